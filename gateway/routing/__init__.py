"""Reads requests, and finds the route that claims each."""
