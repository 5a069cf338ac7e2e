"""Recordings: of traffic, by the processes that serve it, and of a browser, from a HAR file.

targets.py  which requests are meant
live.py     asks the processes that serve, and waits for what they record
har.py      what a browser has saved
"""
