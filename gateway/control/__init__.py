"""The gateway as a Django app: add "gateway.control" to INSTALLED_APPS for `manage.py gateway …`."""
