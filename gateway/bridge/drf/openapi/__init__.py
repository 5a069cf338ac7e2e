"""The OpenAPI documentation of views and their classes, for a service's document."""
