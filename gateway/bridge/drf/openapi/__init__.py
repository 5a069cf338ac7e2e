"""What the OpenAPI document of a service says of views and their classes."""
