"""Copies of requests for the other side, and what came of them."""
