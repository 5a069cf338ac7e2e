"""Endpoints of which nothing is left when they fail, so that legacy can answer in their place, whatever the method."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, TypeVar, overload

from django.db import DEFAULT_DB_ALIAS, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["all_in_transaction", "is_undone", "transaction_aliases", "undoing"]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Function = Callable[..., HttpResponseBase]
MARK = "gateway_all_in_transaction"
UNDONE = "gateway_undone"


@overload
def all_in_transaction(endpoint: Endpoint, /) -> Endpoint: ...
@overload
def all_in_transaction(*, using: str | tuple[str, ...]) -> Callable[[Endpoint], Endpoint]: ...
def all_in_transaction(endpoint: Any = None, /, *, using: str | tuple[str, ...] = DEFAULT_DB_ALIAS) -> Any:
    """Mark a plain `def` endpoint whose every effect is in the database's transaction, and return it.

        @router.post("/api/orders/")
        @all_in_transaction
        def place(order: OrderIn, user: CurrentUser) -> OrderOut: ...

    It then runs inside `transaction.atomic()` of the databases that `using` names, with all of its synchronous
    dependencies. When it raises, what it wrote is rolled back, and where the route says `fallback = { unsafe = true }`,
    legacy is asked with the same request. What is not in the transaction would then happen twice: so such an endpoint
    sends e-mails and starts tasks by `transaction.on_commit`, and asks no other server to do anything.
    """
    aliases = (using,) if isinstance(using, str) else tuple(using)

    def marked(function: Any) -> Any:
        setattr(function, MARK, aliases)
        return function

    return marked if endpoint is None else marked(endpoint)


def transaction_aliases(endpoint: Callable[..., Any]) -> tuple[str, ...]:
    """The databases that `endpoint` was marked with; none when it wasn't."""
    return getattr(endpoint, MARK, ())


def undoing(view: Function, aliases: tuple[str, ...]) -> Function:
    """`view` inside a transaction of each database; `is_undone` knows of a request whether it was rolled back."""

    @wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        nothing_is_left = True
        try:
            with ExitStack() as blocks:
                for alias in aliases:
                    # Durable: inside of another block, what is rolled back here might still be committed there.
                    blocks.enter_context(transaction.atomic(using=alias, durable=True))
                response = view(request, *args, **kwargs)
                # What fails from here on, a commit or a hook that follows it, leaves what was committed before.
                nothing_is_left = False
                return response
        except Exception:
            if nothing_is_left:
                setattr(request, UNDONE, True)
            raise

    return inside


def is_undone(request: HttpRequest | None) -> bool:
    """Whether everything that the endpoint did for this request was rolled back."""
    return getattr(request, UNDONE, False)
