"""Authentication: Django's own request, user, session and messages as FastAPI dependencies.

    @router.post("/orders/")
    async def place(order: OrderIn, user: CurrentUser) -> OrderOut: ...

They work in `def` and `async def` endpoints alike. All of them need `middleware = "django"`, or a list with the entries
that they depend on; otherwise they raise RuntimeError, which names the missing one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser  # not from models, which a project may not have installed
from django.contrib.messages import get_messages
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.shortcuts import resolve_url
from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

from gateway.bridge.csrf import one_user
from gateway.bridge.orm import in_django
from gateway.compat.django import loaded

__all__ = [
    "CurrentUser",
    "DjangoRequest",
    "Messages",
    "OptionalUser",
    "Session",
    "StaffUser",
    "csrf_exempt",
    "current_user",
    "django_request",
    "optional_user",
    "require_perm",
    "session",
    "staff_user",
]


EndpointFunction = TypeVar("EndpointFunction", bound=Callable[..., Any])


def csrf_exempt(endpoint: EndpointFunction) -> EndpointFunction:
    """Mark an endpoint as exempt from CsrfViewMiddleware's check, and return it.

    Django's decorator of this name wraps the function, which only works for an endpoint with a parameter `request`.
    """
    endpoint.csrf_exempt = True  # type: ignore[attr-defined] # what CsrfViewMiddleware looks for
    return endpoint


def django_request(connection: HTTPConnection) -> HttpRequest:
    """The `HttpRequest` that came through the middleware. Raises RuntimeError when there is none."""
    request = connection.scope.get("django.request")
    if request is None:
        raise RuntimeError('there is no Django request here: the service needs middleware = "django" in gateway.toml')
    return request  # type: ignore[no-any-return] # a scope's values are Any


async def _django_request(connection: HTTPConnection) -> HttpRequest:
    return django_request(connection)  # a coroutine function, since FastAPI runs others on a thread


DjangoRequest = Annotated[HttpRequest, Depends(_django_request)]


async def optional_user(request: DjangoRequest) -> Any:
    """The user that the project's authentication found, or None for an anonymous caller."""
    if not hasattr(request, "user"):
        raise RuntimeError("the request has no user: AuthenticationMiddleware does not run around this service")
    user = await in_django(_resolved_user, request)
    one_user(request)
    return user if user.is_authenticated else None


# With this dependency, CsrfViewMiddleware requires a token, whatever other credentials there are.
optional_user.trusts_session = True  # type: ignore[attr-defined] # read by gateway.bridge.views


def _resolved_user(request: HttpRequest) -> Any:
    request.user.is_authenticated  # noqa: B018 - it is lazy: this asks the session and the database
    return loaded(request.user)


async def current_user(request: DjangoRequest, user: Annotated[Any, Depends(optional_user)]) -> Any:
    """The user. For an anonymous caller: 401, or a redirect to LOGIN_URL if a browser asks for a page."""
    if user is not None:
        return user
    if request.method in ("GET", "HEAD") and _wants_page(request):
        from django.contrib.auth.views import redirect_to_login

        login = redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))
        raise HTTPException(302, headers={"Location": login["Location"]})
    raise HTTPException(401, "Authentication credentials were not provided.", {"WWW-Authenticate": "Session"})


def _wants_page(request: HttpRequest) -> bool:
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


async def staff_user(user: Annotated[Any, Depends(current_user)]) -> Any:
    """A user who may enter the admin; 403 for any other."""
    if not (user.is_active and getattr(user, "is_staff", False)):
        raise HTTPException(403, "You do not have permission to perform this action.")
    return user


OptionalUser = Annotated[AbstractBaseUser | None, Depends(optional_user)]
CurrentUser = Annotated[AbstractBaseUser, Depends(current_user)]
StaffUser = Annotated[AbstractBaseUser, Depends(staff_user)]


def require_perm(*permissions: str) -> Callable[..., Awaitable[Any]]:
    """A dependency: the user, if it has all of `permissions`, such as "shop.change_order"; else 403.

    user: Annotated[User, Depends(require_perm("shop.change_order"))]
    """

    async def permitted_user(user: Annotated[Any, Depends(current_user)]) -> Any:
        if not hasattr(user, "has_perms"):
            raise HTTPException(403, "You do not have permission to perform this action.")
        if not await in_django(user.has_perms, permissions):  # through every authentication backend
            raise HTTPException(403, "You do not have permission to perform this action.")
        return user

    return permitted_user


async def session(request: DjangoRequest) -> SessionBase:
    """The session, loaded, so that `async def` endpoints can read it like a dictionary, too.

    SessionMiddleware saves it and sets the cookie, as always. Methods that query the database (`cycle_key`, `flush`)
    have asynchronous forms: `acycle_key`, `aflush`.
    """
    if not hasattr(request, "session"):
        raise RuntimeError("the request has no session: SessionMiddleware does not run around this service")
    found: SessionBase = request.session
    if found.session_key is None:
        found.get("")  # it is empty: no query, and so no thread, is needed
    else:
        await in_django(found.get, "")  # loads it
    return found


Session = Annotated[SessionBase, Depends(session)]


async def messages(request: DjangoRequest) -> BaseStorage:
    """The messages of django.contrib.messages: iterate to read them, `add(level, text)` to leave one."""
    storage = get_messages(request)
    if not isinstance(storage, BaseStorage):  # it is an empty list then
        raise RuntimeError(  # noqa: TRY004 - a setting is wrong, not a type
            "the request has no messages: MessageMiddleware does not run around this service"
        )
    await in_django(len, storage)  # loads them
    return storage


Messages = Annotated[BaseStorage, Depends(messages)]
