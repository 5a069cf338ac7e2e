"""Context variables of the running request, in all its threads and tasks: whether it is a mirror, what it does."""
