"""The cart in the session: showing it, and putting something in. Changing and emptying it are still Django's."""

from newsvc.cart.main import app

__all__ = ["app"]
