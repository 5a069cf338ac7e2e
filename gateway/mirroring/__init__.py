"""Mirrors: copies of requests are sent to the other upstream, and the responses compared."""
