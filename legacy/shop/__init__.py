"""The shop: what is sold, what customers say about it, and what they order."""
