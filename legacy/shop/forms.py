"""Forms of the shop's pages."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .cart import MAX_QUANTITY
from .models import Order, Review

# Type checkers know ModelForm as generic; Django itself does not.


class ReviewForm(forms.ModelForm):  # type: ignore[type-arg]
    """Write a review. The view sets product and author on the instance, so the constraint is checked."""

    class Meta:
        model = Review
        fields = ("rating", "title", "text")
        widgets = {
            "rating": forms.NumberInput(attrs={"min": 1, "max": 5}),
            "text": forms.Textarea(attrs={"rows": 3}),
        }

    def validate_unique(self) -> None:
        """Check one review per customer too, although its fields are not in the form."""
        super().validate_unique()
        try:
            self.instance.validate_constraints(exclude={"rating"})
        except ValidationError as error:
            self.add_error(None, error)


class QuantityForm(forms.Form):
    """How many of a product."""

    quantity = forms.IntegerField(label=_("Quantity"), min_value=0, max_value=MAX_QUANTITY, initial=1)


class CheckoutForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where to send the order."""

    class Meta:
        model = Order
        fields = ("address", "note")
        widgets = {"address": forms.Textarea(attrs={"rows": 3})}
