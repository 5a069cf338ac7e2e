"""Forms of the account pages."""

from django import forms
from django.contrib.auth.forms import UserCreationForm

from .models import User

# Type checkers know these base classes as generic; Django itself does not.


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    """Create a customer."""

    class Meta:
        model = User
        fields = ("username", "email")


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """What customers may change about themselves."""

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "address")
        widgets = {"address": forms.Textarea(attrs={"rows": 3})}
