"""The same endpoints twice: as DRF views below /old/, as a service's endpoints below /new/."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.urls import path
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Depends,
    FastAPI,
    Form,
    Header,
    HTTPException,
    Request,
    Response,
    WebSocket,
)
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field, RootModel, field_validator, model_validator
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response as DRFResponse
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView, exception_handler
from rest_framework.viewsets import ViewSet

from gateway.bridge import CurrentUser
from gateway.bridge.drf.credentials import DRFRequest, DRFUser, drf
from gateway.bridge.drf.fields import (
    DRFBoolean,
    DRFChar,
    DRFChoice,
    DRFDateTime,
    DRFDecimal,
    DRFDuration,
    DRFEmail,
    DRFFile,
    DRFInteger,
    DRFList,
)
from gateway.bridge.drf.request import view_of
from gateway.bridge.drf.route import DRFRoute

User = get_user_model()
done: list[str] = []
SAMPLE = {
    "name": "καφές",
    "price": Decimal("1.5"),
    "count": 3,
    "when": datetime(2026, 7, 1, 12, 30, 15, 120000, tzinfo=UTC),
    "lasts": timedelta(days=1, hours=2),
}


class Conflict(APIException):
    status_code = 409
    default_detail = "Taken."


def with_status(error: Exception, context: dict[str, Any]) -> DRFResponse | None:
    """An exception handler of the project's own."""
    response = exception_handler(error, context)
    if response is not None:
        response.data = {
            "status": response.status_code,
            "view": context["view"].get_view_name(),
            "errors": response.data,
        }
    return response


# -- in DRF --------------------------------------------------------------------------------------


class BoxSerializer(serializers.Serializer):
    width = serializers.IntegerField(min_value=1)
    label = serializers.CharField(required=False, allow_blank=True, allow_null=True)


class ItemSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=12)
    price = serializers.DecimalField(max_digits=6, decimal_places=2)
    count = serializers.IntegerField(min_value=0)
    when = serializers.DateTimeField(required=False)
    lasts = serializers.DurationField(required=False)
    active = serializers.BooleanField(required=False, help_text="On sale.")
    kind = serializers.ChoiceField(choices=[("a", "First"), ("b", "Second")], required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=3), required=False)
    box = BoxSerializer(required=False, allow_null=True)
    boxes = BoxSerializer(many=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["name"] == "free" and attrs["price"]:
            raise serializers.ValidationError("What is free has no price.")
        return attrs


def written(given: Any, data: Any) -> Any:
    """`data` without what was not given: a serializer adds None for optional fields that may be null."""
    if isinstance(data, dict):
        return {name: written(given[name], value) for name, value in data.items() if name in given}
    if isinstance(data, list) and isinstance(given, list):
        return [written(one, value) for one, value in zip(given, data, strict=True)]
    return data


class Items(GenericAPIView):
    """All items."""

    serializer_class = ItemSerializer
    queryset = User.objects.none()  # the browsable API wants one
    filter_backends = []

    def get(self, request):
        return DRFResponse([written(SAMPLE, ItemSerializer(SAMPLE).data)])

    def post(self, request):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        return DRFResponse(written(given, ItemSerializer(given).data), status=201, headers={"Location": "/1"})


class Plain(APIView):
    def get(self, request):
        return DRFResponse(SAMPLE)

    def delete(self, request):
        return DRFResponse(status=204)


class Private(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return DRFResponse({"secret": True})


class Failing(APIView):
    def get(self, request, kind):
        if kind == "drf":
            raise Conflict
        if kind == "404":
            raise Http404
        if kind == "bug":
            raise RuntimeError("secret")
        raise Conflict("Gone since.")


class Upload(APIView):
    def post(self, request):
        serializer = UploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        file = serializer.validated_data["file"]
        return DRFResponse({"name": file.name, "size": len(file.read())})


class UploadSerializer(serializers.Serializer):
    file = serializers.FileField(max_length=8)


class Settings(APIView):
    def patch(self, request):
        serializer = SettingsSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return DRFResponse(serializer.validated_data)


class SettingsSerializer(serializers.Serializer):
    mail = serializers.EmailField(required=False)
    beta = serializers.BooleanField(required=False)


class Accounts(APIView):
    def post(self, request, how):
        User.objects.create(username=how)
        if how == "raises":
            raise serializers.ValidationError({"name": ["No."]})
        return DRFResponse({}, status=400)


class Half(APIView):
    def get(self, request):
        return DRFResponse({"half": True})

    def put(self, request):
        return DRFResponse({"half": False})


class Things(ViewSet):
    """Whatever there is."""

    def get_permissions(self):
        return [IsAuthenticated()] if self.action == "create" else []

    def list(self, request):
        return DRFResponse([self.action, self.detail])

    def create(self, request):
        raise AssertionError("nobody gets here")

    def retrieve(self, request, pk):
        return DRFResponse({"pk": pk, "action": self.action, "detail": self.detail})

    def destroy(self, request, pk):
        return DRFResponse(status=204)


things = SimpleRouter()
things.register("old/things", Things, basename="old")
things.register("new/things", Things, basename="new")

urlpatterns = [
    *things.urls,
    path("new/half/", Half.as_view()),
    path("old/half/", Half.as_view()),
    path("old/upload/", Upload.as_view()),
    path("old/settings/", Settings.as_view()),
    path("old/accounts/<how>/", Accounts.as_view()),
    path("old/items/", Items.as_view()),
    path("old/plain/", Plain.as_view()),
    path("old/private/", Private.as_view()),
    path("old/failing/<kind>/", Failing.as_view()),
]


# -- and moved -----------------------------------------------------------------------------------


class Box(BaseModel):
    width: Annotated[int, DRFInteger(min_value=1)]
    label: Annotated[str | None, DRFChar(allow_blank=True)] = None


class Item(BaseModel):
    name: Annotated[str, DRFChar(max_length=12)]
    price: Annotated[Decimal, DRFDecimal(max_digits=6, decimal_places=2)]
    count: int = Field(ge=0)
    when: Annotated[datetime, DRFDateTime()] = SAMPLE["when"]
    lasts: Annotated[timedelta, DRFDuration()] = SAMPLE["lasts"]
    active: Annotated[bool, DRFBoolean(help_text="On sale.")] = False
    kind: Annotated[str, DRFChoice(choices=[("a", "First"), ("b", "Second")])] = "a"
    tags: Annotated[list[str], DRFList(child=serializers.CharField(max_length=3))] = []
    box: Box | None = None
    boxes: list[Box] = []

    @model_validator(mode="after")
    def what_is_free(self):
        if self.name == "free" and self.price:
            raise ValueError("What is free has no price.")
        return self


app = FastAPI()
router = APIRouter(prefix="/new", route_class=DRFRoute)


@router.get("/items/", response_model_exclude_unset=True, dependencies=[Depends(drf(name="Items"))])
async def read_items() -> list[Item]:
    """All items."""
    return [SAMPLE]


@router.post("/items/", status_code=201, response_model_exclude_unset=True, dependencies=[Depends(drf(name="Items"))])
def create_item(item: Item, response: Response) -> Item:
    response.headers["Location"] = "/1"
    return item


@router.get("/plain/", dependencies=[Depends(drf(name="Plain"))])
async def plain():
    return SAMPLE


@router.delete("/plain/", status_code=204)
async def forget() -> None:
    return None


@router.get("/private/", dependencies=[Depends(drf(permissions=[IsAuthenticated], name="Private"))])
async def private() -> dict[str, bool]:
    return {"secret": True}


@router.get("/failing/{kind}/", dependencies=[Depends(drf(name="Failing"))])
async def failing(kind: str) -> None:
    if kind == "drf":
        raise Conflict
    if kind == "404":
        raise HTTPException(404)
    if kind == "bug":
        raise RuntimeError("secret")
    raise HTTPException(409, "Gone since.")


@router.get("/query/")
async def query(
    page: int,
    name: Annotated[str, DRFChar(max_length=5)] = "x",
    since: Annotated[datetime | None, DRFDateTime()] = None,
):
    return {"page": page, "name": name, "since": since}


@router.get("/numbered/{number}/")
async def numbered(number: int):
    return number


class UploadIn(BaseModel):
    file: Annotated[UploadedFile, DRFFile(max_length=8)]


@router.post("/upload/", dependencies=[Depends(drf(name="Upload"))])
def upload(body: UploadIn) -> dict[str, Any]:
    return {"name": body.file.name, "size": len(body.file.read())}


class SettingsIn(BaseModel):
    mail: Annotated[str, DRFEmail()] = ""
    beta: bool = False


@router.patch("/settings/", response_model_exclude_unset=True, dependencies=[Depends(drf(name="Settings"))])
async def change(body: SettingsIn) -> SettingsIn:
    return body


accounts = FastAPI()
accounts.router.route_class = DRFRoute


@accounts.post("/new/accounts/{how}/")
def create_account(how: str, response: Response) -> dict[str, Any]:
    User.objects.create(username=how)
    if how == "raises":
        raise HTTPException(400, {"name": ["No."]})
    response.status_code = 400
    return {}


@router.get("/things/", dependencies=[Depends(drf(view=Things, action="list", suffix="List"))])
async def list_things(request: DRFRequest) -> list[Any]:
    return [view_of(request).action, view_of(request).detail]


@router.post("/things/", dependencies=[Depends(drf(view=Things, action="create", suffix="List"))])
async def create_thing() -> None: ...


@router.get("/things/{pk}/", dependencies=[Depends(drf(view=Things, action="retrieve", suffix="Instance"))])
def read_thing(pk: str, request: DRFRequest) -> dict[str, Any]:
    return {"pk": pk, "action": view_of(request).action, "detail": view_of(request).detail}


@router.get("/rest/")
async def rest() -> DRFResponse:
    return DRFResponse({"price": Decimal("1.5")}, status=202, headers={"X-Own": "kept"})


@router.get("/django/")
def as_django() -> HttpResponse:
    response = HttpResponse("plain", content_type="text/plain")
    response.set_cookie("a", "1")
    return response


@router.get("/status/{status:int}/")
async def answer_status(status: int, detail: str | None = None) -> None:
    raise HTTPException(status, detail, {"Retry-After": "7", "X-Own": "kept"})


class Unread(BaseModel):
    a: "Nowhere"  # noqa: F821 - that is the point


unread = FastAPI()
unread.router.route_class = DRFRoute


@unread.post("/new/unread/")
async def read_not(body: Unread) -> None: ...


@router.get("/half/", dependencies=[Depends(drf(name="Half"))])
async def half() -> dict[str, bool]:
    return {"half": True}


@router.post("/who/", dependencies=[Depends(drf(permissions=[IsAuthenticated]))])
async def who(django: CurrentUser, rest: DRFUser) -> list[str]:
    return [django.get_username(), rest.get_username()]


@router.get("/page/", response_class=HTMLResponse)
async def page() -> str:
    return "<p>page</p>"


@router.get("/parts/")
async def parts() -> StreamingResponse:
    async def found() -> AsyncIterator[bytes]:
        yield b"first "
        yield b"second"

    return StreamingResponse(found(), media_type="text/plain")


@router.get("/later/")
async def later(tasks: BackgroundTasks) -> dict[str, bool]:
    tasks.add_task(done.append, "later")
    return {"ok": True}


@app.websocket("/new/socket/")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("open")
    await websocket.close()


class Numbers(RootModel[list[Annotated[int, DRFInteger(max_value=9)]]]):
    pass


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Odd(BaseModel):
    colour: Colour = Colour.RED
    either: int | list[str] = 0
    rank: Literal["low", "high"] = "low"
    many: dict[str, Decimal] = {}
    above: int = Field(1, gt=0)
    given: str = Field("", alias="from")
    inner: "Odd | None" = None

    @field_validator("rank")
    @classmethod
    def not_high(cls, value):
        if value == "high":
            raise ValueError("Not so high.")
        return value


@router.post("/numbers/")
async def numbers(body: Numbers) -> list[int]:
    return body.root


@router.post("/odd/", response_model_exclude_unset=True)
async def odd(body: Odd) -> Odd:
    return body


@router.post("/optional/")
async def optional(body: Box | None = None) -> bool:
    return body is None


@router.post("/two/")
async def two(box: Box, number: Annotated[int, Body()]) -> list[int]:
    return [box.width, number]


@router.post("/form/")
async def form(number: Annotated[int, Form()]) -> int:
    return number


@router.post("/raw/")
async def raw(request: Request, kind: Annotated[str, Header(alias="Content-Type")]) -> list[str]:
    return [kind, (await request.body()).decode()]


class Report(BaseModel):
    price: Decimal
    when: datetime
    lasts: timedelta


@router.get("/report/")
async def report() -> list[Report]:
    return [Report(**{name: SAMPLE[name] for name in ("price", "when", "lasts")})]


@router.get("/own/")
async def own() -> PlainTextResponse:
    return PlainTextResponse("own")


app.include_router(router)
