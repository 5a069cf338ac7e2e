"""Django REST framework's own classes on FastAPI endpoints. Needs the extra `drf`; nothing else imports this."""
