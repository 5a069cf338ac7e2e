"""What can answer a request: the Django project, services in this process, remote services."""
