"""The Django project, or whatever else was there before, as an upstream."""
