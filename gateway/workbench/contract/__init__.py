"""What a moved endpoint promises beside what the project's view promises, found out without a request, traffic or rows.

routed.py pairs the endpoints of a route with the views that stood there, compare.py asks every rule about one pair, and
result.py has what comes of it. What is Django REST framework's is in gateway/workbench/drf.
"""
