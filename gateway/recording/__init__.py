"""Records a sample of real requests: `gateway record` requests it, each process that serves takes part.

plan.py        what is to be recorded
recordings.py  selects requests, on the event loop
analysis.py    finds new ones among them, on a thread with a small share of the time
session.py     the data of one recording in one process
shape.py       the shapes by which requests are similar
sample.py      a request in the form in which it is stored, redacted;   exchange.py  headers and responses
clients.py     records requests to other servers;   calls.py  the form in which they are stored
lines.py       records which lines of the project ran
budget.py      limits the time;   repeated.py  recognises equal requests;   callers.py  who sent them
"""
