"""Endpoints that leave nothing behind when they fail, so that legacy can answer instead, whatever the method."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, TypeVar, overload

from django.db import DEFAULT_DB_ALIAS, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["all_in_transaction", "is_undone", "transaction_aliases", "undoing"]

EndpointFunction = TypeVar("EndpointFunction", bound=Callable[..., Any])
Function = Callable[..., HttpResponseBase]
MARK = "gateway_all_in_transaction"
UNDONE = "gateway_undone"


@overload
def all_in_transaction(endpoint: EndpointFunction, /) -> EndpointFunction: ...
@overload
def all_in_transaction(*, using: str | tuple[str, ...]) -> Callable[[EndpointFunction], EndpointFunction]: ...
def all_in_transaction(endpoint: Any = None, /, *, using: str | tuple[str, ...] = DEFAULT_DB_ALIAS) -> Any:
    """Mark a plain `def` endpoint all of whose effects are in database transactions, and return it.

        @router.post("/api/orders/")
        @all_in_transaction
        def place(order: OrderIn, user: CurrentUser) -> OrderOut: ...

    It runs inside `transaction.atomic()` of the databases that `using` names, with all of its synchronous dependencies.
    When it raises, its writes are rolled back, and if the route has `fallback = { unsafe = true }`, legacy gets the
    same request. Effects outside of the transaction would then happen twice: such an endpoint sends e-mails and starts
    tasks in `transaction.on_commit`, and changes nothing on other servers.
    """
    aliases = (using,) if isinstance(using, str) else tuple(using)

    def marked(function: Any) -> Any:
        setattr(function, MARK, aliases)
        return function

    return marked if endpoint is None else marked(endpoint)


def transaction_aliases(endpoint: Callable[..., Any]) -> tuple[str, ...]:
    """The databases that `endpoint` was marked with; empty if it wasn't marked."""
    return getattr(endpoint, MARK, ())


def undoing(view: Function, aliases: tuple[str, ...]) -> Function:
    """`view` inside a transaction of each database; `is_undone` tells whether a request was rolled back."""

    @wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        nothing_is_left = True
        try:
            with ExitStack() as blocks:
                for alias in aliases:
                    # Durable: inside another block, what is rolled back here might still be committed.
                    blocks.enter_context(transaction.atomic(using=alias, durable=True))
                response = view(request, *args, **kwargs)
                # A failure from here on, in a commit or an on_commit hook, leaves what was committed before.
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
