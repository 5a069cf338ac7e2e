"""Counters of requests, latencies and mirrors."""
