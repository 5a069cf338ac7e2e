"""What may be kept of an answer, and what is masked."""
