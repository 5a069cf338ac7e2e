"""Replay: recorded requests, asked of both sides from the same state, and everything compared (docs/replay.md).

running.py    a whole replay: processes, and who gets which case
job.py        one of the processes: sets the project up on its copies of the databases (scratch/)
task.py       a case that is to be played, and as whom
player.py     one case: asks both sides (asker.py), compares, makes sure
alone.py      what one side has to itself, and how its transactions end (constraints.py: what SQLite checks then)
outbound/     other servers: what was recorded of them is played back
users.py      who asks;   pins.py  the clock and all that is random;   counters.py  sequences
drift.py      what a difference is called
result.py     what comes of it;   shown.py  answers in it, redacted
"""
