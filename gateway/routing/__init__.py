"""What a request says, and which route claims it."""
