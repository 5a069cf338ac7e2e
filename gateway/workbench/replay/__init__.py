"""Replay: sends recorded requests to both sides from the same state, and compares everything (docs/replay.md).

running.py    a whole replay: starts the processes, and divides the cases among them
job.py        one of the processes: sets the project up on its copies of the databases (scratch/)
task.py       a case to play, and the user it is sent as
player.py     plays one case: sends it to both sides (asker.py), compares, and repeats it if they differ
alone.py      isolates one side's run, and ends its transactions (constraints.py: SQLite's checks at commit)
outbound/     plays back the recorded responses of other servers
users.py      users and their logins
pins.py       fixes the clock and random numbers
sequences.py  resets sequences, so that both sides give new rows the same keys
drift.py      classifies differences
result.py     the result
shown.py      the responses in it, redacted
"""
