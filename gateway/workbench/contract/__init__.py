"""Compares a moved endpoint with the project's view, without requests, traffic or rows.

routed.py pairs the endpoints of a route with the views that were at their paths, compare.py applies every rule to one
pair, and result.py has the results. Rules for Django REST framework are in gateway/workbench/drf.
"""
