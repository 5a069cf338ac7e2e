"""Side-by-side benchmarks of the gateway against what a user would pick instead.

`python -m bench` runs them. Peers and gateway alternate in one run on the same machine, because a
number without its peer's number from the same minute says little about either.
"""
