"""Gets the response of the upstream that was decided on, or of its fallback."""
