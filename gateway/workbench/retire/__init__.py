"""Deletes a view that is no longer reached, with the code that only it uses: a patch, or the reasons why not.

traffic.py (is it unused?)  module.py project.py (the source, in parts)  templates.py
plan.py (what to delete, what prevents it)  edit.py (libcst: removes the parts)  patch.py (the diff)
retirement.py (all of it, for one route)
"""
