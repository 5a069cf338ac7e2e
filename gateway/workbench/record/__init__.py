"""Recordings: of traffic, by the processes that serve it, and of a browser's requests, from a HAR file.

targets.py  which requests to record
live.py     requests a recording from the processes that serve, and waits for it
har.py      reads what a browser has saved
"""
