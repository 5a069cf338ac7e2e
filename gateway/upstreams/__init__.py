"""Whatever can answer a request: the Django project, services in this process, services elsewhere."""
