"""What the commands find out, without printing it."""
