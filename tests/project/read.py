"""Endpoints whose parameters DRF's fields read, wherever these stand."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from django.utils.translation import gettext_lazy
from fastapi import Body, Cookie, Depends, FastAPI, File, Form, Header, Query
from pydantic import BaseModel, ConfigDict, Field, Json, RootModel
from rest_framework.serializers import CharField
from typing_extensions import TypedDict

from gateway.bridge.drf.credentials import drf
from gateway.bridge.drf.fields import DRFChar, DRFChoice, DRFEmail, DRFFile, DRFInteger, DRFList
from gateway.bridge.drf.route import DRFRoute

Short = Annotated[str, DRFChar(max_length=3)]
Small = Annotated[int, DRFInteger(max_value=9)]
Kind = Annotated[str, DRFChoice(choices=["a", "b"])]
Mail = Annotated[str, DRFEmail()]
Few = Annotated[list[str], DRFList(child=CharField(), max_length=2)]

app = FastAPI(openapi_url="/r/openapi.json", dependencies=[Depends(drf(permissions=[]))])
app.router.route_class = DRFRoute


class Inner(BaseModel):
    text: Short
    inner: Inner | None = None
    more: list[Inner] = []


class Queried(BaseModel):
    text: Short


class Outer(BaseModel):
    text: Short = "longer than that"
    union: Small | Short | None = None
    unions: list[Small | Kind] = []
    kind: Kind | None = None
    mail: Mail | Small | None = None
    few: Few | Short | None = None
    by_name: dict[str, Short | Small] = {}
    names: dict[Short, int] = {}
    pair: tuple[Short, Small] | None = None
    inner: Inner | None = None
    either: Inner | Queried | None = None
    several: set[Short] = set()


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Short] = Field(init=False)
    inner: Open | None = None


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = ""


class Typed(TypedDict):
    text: Short


class Texts(RootModel[list[Short | Small]]):
    pass


@dataclass
class Data:
    text: Short


@app.get("/r/header/")
async def header(h: Annotated[str, DRFChar(max_length=3), Header()]) -> Any:
    return h


async def asked(h: Annotated[Short | Small, Header()]) -> Any:
    return h


@app.get("/r/dependency/")
def dependency(found: Annotated[Any, Depends(asked)]) -> Any:
    return found


@app.get("/r/headers/")
def headers(h: Annotated[list[Short], Header()]) -> Any:
    return h


@app.get("/r/cookie/")
async def cookie(c: Annotated[Short | None, Cookie()] = None) -> Any:
    return c


@app.get("/r/query/")
def query(q: Annotated[Small | Short, Query()], few: Annotated[Few | None, Query()] = None) -> Any:
    return [q, few]


@app.get("/r/model/")
async def model(q: Annotated[Queried, Query()]) -> Any:
    return q


@app.get("/r/path/{number:int}/{text}/")
async def path(number: Small, text: Short) -> Any:
    return [number, text]


@app.post("/r/form/")
def form(text: Annotated[str, DRFChar(max_length=3), Form()], few: Annotated[list[Short], Form()]) -> Any:
    return [text, few]


@app.post("/r/form-model/")
async def form_model(body: Annotated[Queried, Form()]) -> Any:
    return body


@app.post("/r/body/")
def body(body: Outer) -> Any:
    return body.model_dump(exclude_unset=True)


@app.post("/r/open/")
def open_model(body: Open) -> Any:
    return body.model_dump(exclude_unset=True)


@app.post("/r/closed/")
def closed(body: Closed) -> Any:
    return body


@app.post("/r/typed/")
def typed(body: Annotated[Typed, Body()]) -> Any:
    return body


@app.post("/r/one/")
async def one(body: Annotated[str, DRFChar(max_length=3), Body()]) -> Any:
    return body


@app.post("/r/several/")
async def several(text: Annotated[Short, Body()], number: Annotated[Small | Short, Body()]) -> Any:
    return [text, number]


@app.post("/r/list/")
async def listed(body: list[Small | Short]) -> Any:
    return body


@app.post("/r/root/")
async def root(body: Texts) -> Any:
    return body.root


@app.post("/r/data/")
async def data(body: Data) -> Any:
    return body.text


@app.get("/r/default/")
async def default(q: Annotated[str, DRFChar(max_length=3, help_text=gettext_lazy("Yes"))] = "longer than that") -> Any:
    return q


class Lazy(BaseModel):
    words: list[Iterable[Short]]


def unreadable() -> FastAPI:
    """What can't be read by DRF's fields."""
    made = FastAPI()
    made.router.route_class = DRFRoute

    @made.post("/r/file/")
    async def file(file: Annotated[Any, DRFFile(max_length=3), File()]) -> None: ...

    @made.post("/r/iterable/")
    async def iterable(words: Iterable[Short]) -> None: ...

    @made.post("/r/generator/")
    async def generator(words_once: Annotated[Generator[Outer, None, None] | None, Body()]) -> None: ...

    @made.post("/r/lazy/")
    async def lazy(model: Lazy) -> None: ...

    @made.post("/r/numbers/")
    async def numbers(numbers: Annotated[Iterable[int], Body()]) -> None: ...

    @made.get("/r/json/")
    async def json(q: Annotated[Json[list[Short]], Query()]) -> None: ...

    return made


def outside() -> FastAPI:
    """Where nothing reads for them."""
    made = FastAPI()

    @made.post("/r/plain/")
    async def plain(body: Outer) -> None: ...

    @made.websocket("/r/socket/")
    async def socket(socket: Any, q: Annotated[Short, Query()]) -> None: ...

    return made
