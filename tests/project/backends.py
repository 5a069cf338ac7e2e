"""Authentication backends of the test project."""

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend


class Doorman(BaseBackend):
    """Lets in whoever knows the word, and permits what begins with "door."."""

    def authenticate(self, request, username=None, password=None):
        if password != "open sesame":
            return None
        return get_user_model()._default_manager.get(username=username)

    def get_user(self, user_id):
        return get_user_model()._default_manager.filter(pk=user_id).first()

    def has_perm(self, user_obj, perm, obj=None):
        return perm == "auth.change_user" and user_obj.get_username() == "ada"
