"""What the team wraps around every request."""
