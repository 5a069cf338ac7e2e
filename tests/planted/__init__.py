"""A small shop in Django REST framework, and a service for it with one planted bug each: none may be promoted."""
