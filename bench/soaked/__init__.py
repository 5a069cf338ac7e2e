"""The project and the service that `bench.soak` wears out."""
