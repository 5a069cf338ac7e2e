"""The Django project, or another WSGI application, as an upstream."""
