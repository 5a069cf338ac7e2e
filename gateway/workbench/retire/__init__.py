"""Deleting a view that nobody reaches any more, with whatever only it used: a patch, or why there is none.

traffic.py (is it quiet?)  module.py project.py (the source, by parts)  templates.py
plan.py (what goes, what is in the way)  edit.py (libcst: takes the parts out)  patch.py (the diff)
retirement.py (all of it, for one route)
"""
