"""The stage of a route between legacy and service, and the decision on each request."""
