"""A Django project as `startproject` makes it, with four views worth timing."""
