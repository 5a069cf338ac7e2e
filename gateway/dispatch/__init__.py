"""From a decision to an answer: who is asked, what is kept of it, and what takes its place."""
