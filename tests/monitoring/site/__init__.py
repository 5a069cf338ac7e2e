"""A Django project with a service, and an agent in it: which, and where it is set up, says the environment."""
