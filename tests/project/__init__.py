"""The Django project and the services that the gateway's own tests serve."""
