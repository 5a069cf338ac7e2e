"""Real traffic, sampled: `gateway record` asks for it, each process that serves takes part.

plan.py        what is to be recorded
recordings.py  which requests are taken; on the event loop
analysis.py    what is new in them, on a thread that has a small share of the time
session.py     what one process has for one recording
shape.py       what makes two requests alike
sample.py      a request as it is stored, redacted
lines.py       which lines of the project ran
"""
