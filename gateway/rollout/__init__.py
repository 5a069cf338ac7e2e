"""Where a route stands on its way from legacy to service, and what follows for a request."""
