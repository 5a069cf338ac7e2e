"""The same endpoints twice, as DRF views and on FastAPI, with the same classes in front of them."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import path
from fastapi import APIRouter, Body, Depends, FastAPI, Security, WebSocket
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import APIException, NotFound
from rest_framework.pagination import LimitOffsetPagination, PageNumberPagination
from rest_framework.permissions import AllowAny, BasePermission, DjangoModelPermissions, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle, ScopedRateThrottle, UserRateThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from rest_framework_simplejwt.authentication import JWTAuthentication
from starlette.requests import HTTPConnection

from gateway.bridge import CurrentUser, DjangoRequest, OptionalUser, atomic, in_django
from gateway.bridge.drf.credentials import DRFRequest, DRFUser, check_object_permissions, drf
from gateway.bridge.drf.pagination import Paginate, paginate
from gateway.bridge.drf.request import drf_request, view_of
from legacy.shop.checkout import NotCancellableError

asked: list[str] = []


class OncePerMinute(UserRateThrottle):
    scope = "once"
    rate = "1/min"


class Scoped(ScopedRateThrottle):
    THROTTLE_RATES = {"narrow": "1/min"}


class NamedAda(BasePermission):
    message = "You are not Ada."
    code = "not_ada"

    def has_permission(self, request: Request, view: Any) -> bool:
        asked.append(f"{getattr(view, 'action', None)} {view.kwargs}")
        return request.user.username == "ada"


class OwnGroup(BasePermission):
    def has_object_permission(self, request: Request, view: Any, obj: Group) -> bool:
        return request.user.groups.contains(obj)


class Odd(BaseAuthentication):
    """Knows whoever says `X-Odd: name`, and has no challenge."""

    def authenticate(self, request: Request) -> Any:
        name = request.headers.get("X-Odd")
        return (get_user_model().objects.get(username=name), None) if name else None


class Unready(APIException):
    status_code = 503
    default_detail = "Not yet."


class Fickle(BaseThrottle):
    """Refuses, and can't say for how long."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return False


def note_user(get_response: Any) -> Any:
    """A middleware that looks who it was, where it is told to."""

    def middleware(request: Any) -> Any:
        response = get_response(request)
        if "X-Note" in request.headers:
            asked.append(f"afterwards: {request.user}")
        return response

    return middleware


SESSION_FIRST = [SessionAuthentication, TokenAuthentication]
TOKEN_FIRST = [TokenAuthentication, SessionAuthentication]

GUARDS: dict[str, dict[str, Any]] = {
    "session-first": {"authentication": SESSION_FIRST, "permissions": [IsAuthenticated]},
    "token-first": {"authentication": TOKEN_FIRST, "permissions": [IsAuthenticated]},
    "jwt": {"authentication": [JWTAuthentication], "permissions": [IsAuthenticated]},
    "basic": {"authentication": [BasicAuthentication], "permissions": [IsAuthenticated]},
    "odd": {"authentication": [Odd], "permissions": [IsAuthenticated]},
    "nobody": {"authentication": [], "permissions": [AllowAny]},
    "anyone": {"authentication": SESSION_FIRST, "permissions": [AllowAny]},
    "default": {"queryset": Group.objects.all()},
    "model": {"permissions": [DjangoModelPermissions], "queryset": Group.objects.all()},
    "ada": {"permissions": [NamedAda]},
    "staff-or-ada": {"authentication": TOKEN_FIRST, "permissions": [IsAdminUser | NamedAda]},
    "throttled": {"permissions": [AllowAny], "throttles": [OncePerMinute]},
    "scoped": {"permissions": [AllowAny], "throttles": [Scoped], "throttle_scope": "narrow"},
    "fickle": {"permissions": [AllowAny], "throttles": [Fickle]},
}


def _who(request: Request) -> dict[str, Any]:
    return {"user": str(request.user), "auth": type(request.auth).__name__}


# -- as DRF views --------------------------------------------------------------------------------


class Answering(APIView):
    queryset: Any = None
    throttle_scope: Any = None

    def get(self, request: Request) -> Response:
        return Response(_who(request))

    def post(self, request: Request) -> Response:
        return Response(_who(request))


class Groups(APIView):
    authentication_classes = TOKEN_FIRST
    permission_classes = [IsAuthenticated, OwnGroup]

    def get(self, request: Request, pk: int) -> Response:
        group = Group.objects.filter(pk=pk).first()
        if group is None:
            raise NotFound
        self.check_object_permissions(request, group)
        return Response({"name": group.name})


class Raising(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request, kind: str) -> Response:
        _raise(kind)
        return Response({})


class Members(ViewSet):
    permission_classes = [IsAuthenticated]
    throttle_classes = [OncePerMinute]
    authentication_classes = TOKEN_FIRST

    def get_permissions(self) -> Any:
        return [NamedAda()] if self.action == "create" else super().get_permissions()

    def list(self, request: Request) -> Response:
        return Response({"user": str(request.user)})

    def create(self, request: Request) -> Response:
        return Response({"user": str(request.user)})


def _raise(kind: str) -> None:
    if kind == "unready":
        raise Unready
    if kind == "shop":
        raise NotCancellableError
    raise RuntimeError("secret")


def _views() -> Any:
    names = {"permissions": "permission_classes", "throttles": "throttle_classes"}
    names["authentication"] = "authentication_classes"
    for name, guard in GUARDS.items():
        yield path(f"g/{name}/", Answering.as_view(**{names.get(key, key): value for key, value in guard.items()}))


urlpatterns = [
    *_views(),
    path("g/groups/<int:pk>/", Groups.as_view()),
    path("g/groups-sync/<int:pk>/", Groups.as_view()),
    path("g/raises/<kind>/", Raising.as_view()),
    path("g/members/", Members.as_view({"get": "list", "post": "create"})),
]

# -- on FastAPI ----------------------------------------------------------------------------------

app = FastAPI()


def _guarded(name: str, guard: dict[str, Any]) -> None:
    guarded = Annotated[Request, Depends(drf(**guard))]

    async def answering(request: guarded) -> dict[str, Any]:  # type: ignore[valid-type]
        return _who(request)

    def answering_sync(request: guarded) -> dict[str, Any]:  # type: ignore[valid-type]
        return _who(request)

    answering.__annotations__["request"] = answering_sync.__annotations__["request"] = guarded
    app.get(f"/g/{name}/", name=name)(answering)
    app.post(f"/g/{name}/")(answering_sync)


for _name, _guard in GUARDS.items():
    _guarded(_name, _guard)

Member = Annotated[Request, Depends(drf(authentication=TOKEN_FIRST, permissions=[IsAuthenticated, OwnGroup]))]


@app.get("/g/groups/{pk:int}/")
async def group(request: Member, pk: int) -> dict[str, str]:
    found = await Group.objects.filter(pk=pk).afirst()
    if found is None:
        raise NotFound
    await check_object_permissions(request, found)
    return {"name": found.name}


@app.get("/g/groups-sync/{pk:int}/")
def group_sync(request: Member, pk: int) -> dict[str, str]:
    found = Group.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound
    view_of(request).check_object_permissions(request, found)
    return {"name": found.name}


@app.get("/g/raises/{kind}/", dependencies=[Depends(drf(permissions=[AllowAny]))])
async def raises(kind: str) -> None:
    _raise(kind)


@app.get("/g/members/", dependencies=[Depends(drf(view=Members, action="list"))])
async def members(user: DRFUser) -> dict[str, str]:
    return {"user": str(user)}


@app.post("/g/members/", dependencies=[Depends(drf(view=Members, action="create"))])
async def new_member(user: DRFUser) -> dict[str, str]:
    return {"user": str(user)}


# What has no view to compare with.

below = APIRouter(prefix="/g/below", dependencies=[Depends(drf(permissions=[NamedAda], throttles=[OncePerMinute]))])


@below.get("/")
async def router_only() -> dict[str, bool]:
    return {"ok": True}


@below.get("/twice/{number}/")
async def twice(user: DRFUser, request: DRFRequest) -> dict[str, bool]:
    return {"ok": user == request.user}


@below.post("/staff/")
async def staff(request: Annotated[Request, Depends(drf(permissions=[IsAdminUser]))]) -> dict[str, bool]:
    return {"ok": bool(request.user.is_staff)}


@below.get("/member/")
async def member(request: Annotated[Request, Depends(drf(view=Members, action="list"))]) -> dict[str, bool]:
    return {"ok": bool(request.user)}


@app.post("/g/unguarded/")
async def unguarded(user: OptionalUser) -> dict[str, str | None]:
    return {"user": user and user.get_username()}


@app.post("/g/both/", dependencies=[Depends(drf(authentication=[TokenAuthentication], permissions=[AllowAny]))])
async def both(user: CurrentUser) -> dict[str, str]:
    return {"user": user.get_username()}


def _early(request: DjangoRequest) -> str:
    return str(request.user)


def _early_in_drf(connection: HTTPConnection) -> str:
    return str(drf_request(connection).user)


@app.post("/g/early/")
async def early(
    django: Annotated[str, Depends(_early)],
    drf: Annotated[str, Depends(_early_in_drf)],
    request: Annotated[Request, Depends(drf(authentication=SESSION_FIRST, permissions=[IsAuthenticated]))],
    late: DjangoRequest,
) -> list[str]:
    return [django, drf, str(request.user), str(late.user)]


@app.put("/g/shared/")
@app.post("/g/shared/", dependencies=[Depends(drf(permissions=[AllowAny]))])
async def shared(request: DjangoRequest) -> str:
    return await in_django(str, request.user)


@app.post("/g/shadows/{name}/")
async def shadowing(name: str, request: DjangoRequest) -> str:
    return await in_django(str, request.user)


@app.post("/g/shadows/me/", dependencies=[Depends(drf(permissions=[AllowAny]))])
async def shadowed() -> None:
    """FastAPI never gets here, since the other one comes first."""


@app.post("/g/wants-body/", dependencies=[Depends(drf(permissions=[AllowAny]))])
async def wants_body(name: Annotated[str, Body(embed=True)]) -> str:
    return name


@app.post("/g/saves/")
async def saves(request: Annotated[Request, Depends(drf(permissions=[AllowAny]))]) -> None:
    async with atomic():
        await Group.objects.acreate(name="saved")
        raise Unready


@app.get("/g/plainly/")
async def plainly() -> None:
    raise Unready


@app.websocket("/g/socket/")
async def socket(
    websocket: WebSocket, request: Annotated[Request, Depends(drf(permissions=[IsAuthenticated]))]
) -> None:
    await websocket.accept()
    await websocket.send_text(str(request.user))
    await websocket.close()


password = OAuth2PasswordBearer(tokenUrl="/token", scopes={"read": "Read.", "write": "Write."})


async def scoped_token(scopes: SecurityScopes, token: Annotated[str, Depends(password)]) -> str:
    return f"{token} {scopes.scope_str}"


@app.get("/g/scopes/")
async def with_scopes(
    token: Annotated[str, Security(scoped_token, scopes=["read"])],
    request: Annotated[Request, Depends(drf(authentication=[Odd], permissions=[AllowAny]))],
) -> dict[str, str]:
    return {"token": token, "user": str(request.user)}


app.include_router(below)

# -- what can't work -----------------------------------------------------------------------------

at_odds = FastAPI(dependencies=[Depends(drf(view=Members))])


@at_odds.get("/g/two-views/", dependencies=[Depends(drf(view=Groups))])
async def two_views() -> None: ...


@at_odds.get("/g/two-pages/")
async def two_pages(
    first: Annotated[Paginate, Depends(paginate(PageNumberPagination))],
    second: Annotated[Paginate, Depends(paginate(LimitOffsetPagination))],
) -> None: ...


# -- below ATOMIC_REQUESTS, where all endpoints are `def` ----------------------------------------

atomic_app = FastAPI()


@atomic_app.post("/g/atomic/{kind}/", dependencies=[Depends(drf(permissions=[AllowAny]))])
def writes(kind: str) -> dict[str, str]:
    Group.objects.create(name=kind)
    if kind == "refused":
        raise Unready
    return {"wrote": kind}
