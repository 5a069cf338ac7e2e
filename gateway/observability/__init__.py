"""What happened, for people and machines that watch."""
