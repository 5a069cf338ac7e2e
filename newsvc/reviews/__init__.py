"""Reviews: the list, and writing one, with SQLAlchemy on Django's tables; users and permissions are Django's."""

from newsvc.reviews.main import app

__all__ = ["app"]
