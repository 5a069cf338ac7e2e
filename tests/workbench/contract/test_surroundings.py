"""All that is around bodies and answers: callers, statuses, paths, lists, OPTIONS; lifted, plain and new endpoints."""

import importlib.util
from typing import Annotated, Any

import pytest
from django.http import JsonResponse
from django.urls import path, re_path
from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.routing import APIRoute
from rest_framework import status
from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.decorators import action, api_view
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.generics import ListAPIView
from rest_framework.metadata import SimpleMetadata
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.renderers import AdminRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.throttling import AnonRateThrottle
from rest_framework.versioning import AcceptHeaderVersioning
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet, ViewSet

from gateway.bridge.drf import lift
from gateway.bridge.drf.credentials import DRFRequest, check_object_permissions, drf, view_of
from gateway.bridge.drf.filters import filtered
from gateway.bridge.drf.pagination import paginate
from gateway.bridge.drf.route import DRFRoute
from gateway.workbench.database import has_field
from legacy.accounts.models import User
from legacy.shop.api.serializers import CategorySerializer
from legacy.shop.models import Category
from tests.workbench.contract.conftest import left_out, messages, said


class AskingATenant(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.META["HTTP_X_TENANT"])


class Owner(BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return False


class AskingRows(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return Category.objects.exists()


def view_with(**attributes: Any) -> Any:
    def get(self, request: Any, **kwargs: Any) -> Any:
        return Response({})

    return type("Thing", (APIView,), {"get": get, "throttle_classes": [], "permission_classes": []} | attributes)


@pytest.fixture
def asked(compared, router):
    """Lay an endpoint with `drf(…)` beside a view with these attributes, and return it."""

    def endpoint(attributes: dict[str, Any], given: dict[str, Any] | None, **service: Any) -> Any:
        dependencies = [] if given is None else [Depends(drf(**{"permissions": [], "throttles": [], **given}))]

        @router.get("/thing/", dependencies=dependencies)
        def thing() -> dict[str, Any]: ...

        (found,) = compared([path("thing/", view_with(**attributes).as_view())], router, **service)
        return found

    return endpoint


CALLERS: list[tuple[list[Any], list[Any], str | None, str]] = [
    ([IsAdminUser], [IsAdminUser], None, ""),
    ([AllowAny], [], None, ""),
    ([IsAdminUser], [IsAuthenticated], "critical", "GET lets in users, whom legacy refuses"),
    ([IsAuthenticated], [], "critical", "GET lets in strangers, whom legacy refuses"),
    ([], [IsAuthenticated], "breaking", "GET refuses strangers, whom legacy lets in"),
    ([IsAuthenticated & IsAdminUser], [IsAdminUser], "note", "other classes, which say the same of all of them"),
    ([IsAuthenticated | IsAdminUser], [IsAdminUser], "breaking", "GET refuses users"),
    ([~IsAuthenticated], [IsAuthenticated], "critical", "GET lets in users, staff, superusers"),
    ([AskingRows, IsAdminUser], [IsAdminUser], "critical", "nothing asks AskingRows any more"),
    ([AskingRows], [AskingRows, IsAdminUser], "breaking", "the service asks for more, of callers with rows"),
    ([AskingATenant], [AllowAny], "critical", "nothing asks AskingATenant any more"),
]


@pytest.mark.parametrize(("ours", "theirs", "severity", "words"), CALLERS)
def test_who_is_let_in(asked, ours, theirs, severity, words):
    endpoint = asked({"permission_classes": ours}, {"permissions": theirs})
    assert said(endpoint).get("permissions") == severity
    assert words in messages(endpoint)


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ([SessionAuthentication, BasicAuthentication], {}),
        ([SessionAuthentication], {"authentication": "breaking"}),
        ([SessionAuthentication, BasicAuthentication, TokenAuthentication], {"authentication": "critical"}),
        ([BasicAuthentication, SessionAuthentication], {"authentication": "breaking"}),
    ],
)
def test_callers_are_found_out_by_the_same_classes_in_the_same_order(asked, theirs, found):
    ours = [SessionAuthentication, BasicAuthentication]
    assert said(asked({"authentication_classes": ours}, {"authentication": theirs})) == found


class Often(AnonRateThrottle):
    rate = "5/minute"


class OftenEnough(AnonRateThrottle):
    rate = "500/minute"


def test_throttles_are_compared_with_their_rates(asked):
    endpoint = asked({"throttle_classes": [Often]}, {"throttles": [OftenEnough]})
    assert "nothing asks Often anon 5/minute" in messages(endpoint)


def test_parsers_that_are_gone(asked):
    endpoint = asked({}, {"parser_classes": [JSONParser]})
    assert "bodies: without FormParser, MultiPartParser" in messages(endpoint)


PARSERS, RENDERERS = [FormParser, JSONParser], [AdminRenderer, JSONRenderer]
MEDIA: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"parser_classes": PARSERS}, {"parser_classes": PARSERS[::-1]}, "note", "bodies: others"),
    ({"renderer_classes": RENDERERS}, {"renderer_classes": RENDERERS[::-1]}, "note", "answers: others"),
    ({"versioning_class": AcceptHeaderVersioning}, {}, "breaking", "another versioning_class"),
    ({"get_exception_handler": lambda view: print}, {}, "breaking", "another exception_handler"),
]


@pytest.mark.parametrize(("ours", "theirs", "severity", "words"), MEDIA)
def test_what_is_said_and_understood_otherwise(asked, ours, theirs, severity, words):
    endpoint = asked(ours, theirs)
    assert [(one.severity.value, one.message) for one in endpoint.findings] == [(severity, words)]


def test_a_view_that_negotiates_by_the_real_request_is_compared_without(asked):
    def perform_content_negotiation(self, request: Any, force: bool = False) -> Any:
        raise KeyError("HTTP_X_FORMAT")

    endpoint = asked(
        {"perform_content_negotiation": perform_content_negotiation, "permission_classes": [IsAdminUser]}, {}
    )
    assert said(endpoint) == {"permissions": "critical"}


def test_drfs_classes_are_compared_under_fastapis_own_answers_too(asked):
    endpoint = asked({"permission_classes": [IsAdminUser]}, {"permissions": [IsAuthenticated]}, answers="plain")
    assert said(endpoint) == {"permissions": "critical"}
    assert "errors: the service words them by itself" in left_out(endpoint)


def test_a_user_has_the_flags_that_the_projects_users_have():
    assert has_field(User, "is_staff")
    assert not has_field(User, "is_tenant")


@pytest.mark.parametrize("installed", [True, False])
def test_a_project_without_users_only_has_strangers(asked, settings, installed):
    if not installed:
        settings.INSTALLED_APPS = ["rest_framework"]
    endpoint = asked({"permission_classes": [IsAdminUser]}, {"permissions": [IsAuthenticated]})
    assert said(endpoint) == {"permissions": "critical" if installed else "note"}


def test_an_endpoint_that_asks_nobody_is_critical(compared):
    app = FastAPI()

    @app.get("/thing/")
    def thing() -> dict[str, int]: ...

    view = view_with(permission_classes=[IsAuthenticated])
    (endpoint,) = compared([path("thing/", view.as_view())], app, answers="plain")
    assert said(endpoint) == {"permissions": "critical"}
    assert "the endpoint checks no permission" in messages(endpoint)


def test_an_endpoint_with_code_of_its_own_for_that_is_not_compared(compared):
    def is_known() -> None: ...

    app = FastAPI()

    @app.get("/thing/", dependencies=[Depends(is_known)])
    def thing() -> dict[str, int]: ...

    view = view_with(permission_classes=[IsAuthenticated])
    (endpoint,) = compared([path("thing/", view.as_view())], app, answers="plain")
    assert "is_known" in left_out(endpoint)
    assert endpoint.blocking() == []


# -- objects ----------------------------------------------------------------------------------------


def of_object(compared: Any, function: Any, permission: Any = Owner) -> Any:
    router = APIRouter(route_class=DRFRoute)
    given = drf(permissions=[permission], throttles=[])
    router.add_api_route("/thing/{pk:int}/", function, methods=["GET"], dependencies=[Depends(given)])
    view = view_with(permission_classes=[permission])
    (endpoint,) = compared([path("thing/<int:pk>/", view.as_view())], router)
    return endpoint


def forgetful(pk: int) -> dict[str, Any]: ...


async def careful(pk: int, request: DRFRequest) -> dict[str, Any]:
    await check_object_permissions(request, pk)
    return {}


def _helped(request: Any) -> None:
    view_of(request).check_object_permissions(request, None)


def careful_by_a_helper(pk: int, request: DRFRequest) -> dict[str, Any]:
    _helped(request)
    return {}


class CarefulByAClass:
    """FastAPI takes a class for a function."""

    def __init__(self, pk: int, request: DRFRequest) -> None:
        _helped(request)


def test_permissions_on_objects_have_to_be_asked_by_the_endpoint(compared):
    assert "Owner looks at the object" in messages(of_object(compared, forgetful))
    assert of_object(compared, careful).blocking() == []
    assert of_object(compared, careful_by_a_helper).blocking() == []
    assert of_object(compared, CarefulByAClass).blocking() == []


def test_a_name_that_has_no_value_yet_is_passed_over(compared):
    def in_a_factory(pk: int, request: DRFRequest) -> dict[str, Any]:
        made_later(request)
        return {"pk": pk, "view": view_of(request).get_object()}

    assert of_object(compared, in_a_factory).blocking() == []
    made_later = _helped


def test_a_part_of_a_combination_may_look_at_the_object(compared):
    assert "(IsAdminUser | Owner) looks at the object" in messages(of_object(compared, forgetful, IsAdminUser | Owner))


# -- status, path, methods --------------------------------------------------------------------------


class Created(APIView):
    permission_classes = throttle_classes = []

    def post(self, request: Any) -> Any:
        return self.made() if request.data else Response(status=status.HTTP_201_CREATED)

    def made(self) -> Any:
        return Response({}, 202)


@pytest.mark.parametrize(("code", "blocking"), [(201, []), (202, []), (200, ["status"])])
def test_the_status_is_read_in_the_views_method(compared, router, code, blocking):
    router.add_api_route("/things/", lambda: None, methods=["POST"], status_code=code, dependencies=[free()])
    (endpoint,) = compared([path("things/", Created.as_view())], router)
    assert [finding.area for finding in endpoint.blocking()] == blocking


class Accepted(APIView):
    permission_classes = throttle_classes = []
    code = 202

    def get(self, request: Any) -> Any:
        return self.answered() if request.user else super().options(request)

    def answered(self) -> Any:
        return Response({}, 202)


class Between(Accepted):
    pass


class Further(Between):
    def get(self, request: Any) -> Any:
        return super().get(request)


class Furthest(Further):
    def get(self, request: Any) -> Any:
        return super().get(request)

    def put(self, request: Any) -> Any:
        return super().answered()

    def post(self, request: Any) -> Any:
        return Response({}, self.code)

    delete = property  # whose source Python has not


@pytest.mark.parametrize(
    ("method", "code", "blocking"),
    [
        ("GET", 202, False),
        ("GET", 200, False),
        ("GET", 204, True),
        ("HEAD", 204, True),  # Django's is GET
        ("PUT", 200, True),
    ],
)
def test_the_status_is_read_in_the_methods_of_base_classes(compared, router, method, code, blocking):
    router.add_api_route("/things/", lambda: None, methods=[method], status_code=code, dependencies=[free()])
    (endpoint,) = compared([path("things/", Furthest.as_view())], router)
    assert ("status" in said(endpoint)) is blocking
    assert "status" not in left_out(endpoint)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_status_that_is_computed_or_without_source_is_not_known(compared, router, method):
    router.add_api_route("/things/", lambda: None, methods=[method], dependencies=[free()])
    (endpoint,) = compared([path("things/", Furthest.as_view())], router)
    assert "status: with which the view answers isn't written in its method; the service says 200" in left_out(endpoint)


def test_a_route_of_starlettes_declares_no_body_and_no_answer(compared):
    app = FastAPI()
    app.add_route("/thing/", lambda request: None, methods=["GET"])
    found = compared([path("thing/", view_with().as_view())], app, answers="plain")
    assert [one.method for one in found] == ["GET", "HEAD"]
    assert all("request, response: Starlette's route, which declares neither" in left_out(one) for one in found)


def free() -> Any:
    return Depends(drf(permissions=[], throttles=[]))


def test_a_slash_that_one_side_has_not(compared, router):
    router.add_api_route("/thing", lambda: None, dependencies=[free()])
    (endpoint,) = compared([path("thing/", view_with().as_view())], router)
    assert "legacy has it with a slash at the end, the service without" in messages(endpoint)


def test_paths_that_only_the_service_has(compared, router):
    router.add_api_route("/thing/{pk}/", lambda pk: None, dependencies=[free()])
    (endpoint,) = compared([path("thing/<int:pk>/", view_with().as_view())], router)
    assert said(endpoint) == {"path": "warning"}
    assert "/thing/qzx/ is claimed, which is a 404 of legacy's" in messages(endpoint)


def test_methods_that_are_claimed_and_not_there(compared, router):
    router.add_api_route("/thing/", lambda: None, dependencies=[free()])
    view = view_with(delete=lambda self, request: Response())
    (endpoint,) = compared([path("thing/", view.as_view())], router, route={"claim": "all"})
    assert "DELETE: legacy has it, the route claims all" in messages(endpoint)


def test_options_are_compared_where_they_are_claimed(compared, router):
    router.add_api_route("/thing/", lambda: None, dependencies=[free()])
    view = view_with(get_view_name=lambda self: "A thing")
    (endpoint,) = compared([path("thing/", view.as_view())], router, route={"claim": "all"})
    assert said(endpoint, "options")["name"] == "breaking"


class AskingMetadata(SimpleMetadata):
    def determine_metadata(self, request: Any, view: Any) -> Any:
        return {"categories": Category.objects.count()}


class FailingMetadata(SimpleMetadata):
    def determine_metadata(self, request: Any, view: Any) -> Any:
        raise LookupError("tenant")


@pytest.mark.parametrize(
    ("attributes", "answers", "why"),
    [
        ({}, "plain", "the service answers by itself"),
        ({"metadata_class": AskingMetadata}, "drf", "the metadata asks the database"),
        ({"metadata_class": FailingMetadata}, "drf", "LookupError: tenant"),
    ],
)
def test_options_that_cant_be_compared_are_said(compared, attributes, answers, why):
    router = APIRouter(route_class=DRFRoute if answers == "drf" else APIRoute)
    router.add_api_route("/thing/", lambda: None)
    patterns = [path("thing/", view_with(**attributes).as_view())]
    (endpoint,) = compared(patterns, router, route={"claim": "all"}, answers=answers)
    assert f"options: {why}" in left_out(endpoint)


# -- lists ------------------------------------------------------------------------------------------


class Pages(PageNumberPagination):
    page_size = 20
    page_size_query_param = "size"


class Categories(ListAPIView):
    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    permission_classes = throttle_classes = []
    filter_backends = [SearchFilter, OrderingFilter]
    search_fields = ["name"]
    ordering_fields = ["name"]
    pagination_class = Pages


FILTERS = {"backends": [SearchFilter, OrderingFilter], "search_fields": ["name"], "ordering_fields": ["name"]}


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([filtered(**FILTERS), paginate(Pages)], {}),
        ([paginate(Pages)], {"search": "breaking", "ordering": "breaking"}),
        ([filtered(**FILTERS)], {"page": "breaking", "size": "breaking", "pagination": "breaking"}),
        ([filtered(**FILTERS | {"search_fields": ["slug"]}), paginate(Pages)], {"search_fields": "breaking"}),
        ([filtered(**FILTERS), paginate(PageNumberPagination)], {"size": "breaking"}),
    ],
)
def test_lists_are_filtered_and_paged_by_the_same(compared, router, parts, found):
    @router.get("/things/", dependencies=[free(), *map(Depends, parts)])
    def things() -> Any: ...

    (endpoint,) = compared([path("things/", Categories.as_view())], router)
    named = {
        name: severity
        for name, severity in said(endpoint).items()
        if name not in ("page_size_query_param", "page_size")
    }
    assert named.items() >= found.items()
    assert bool(endpoint.blocking()) == bool(found)


def test_a_query_that_the_endpoints_code_reads_is_not_known(compared, router):
    @router.get("/things/", dependencies=[free()])
    def things(request: Request) -> Any:
        return request.query_params["search"]

    (endpoint,) = compared([path("things/", Categories.as_view())], router)
    assert "filters: search, ordering, page, size: code of the endpoint's reads the query by itself" in left_out(
        endpoint
    )


def test_pages_for_a_whole_list_are_another_answer(compared, router):
    @router.get("/things/", dependencies=[free(), Depends(filtered(**FILTERS)), Depends(paginate(Pages))])
    def things() -> Any: ...

    (endpoint,) = compared([path("things/", Categories.as_view(pagination_class=None))], router)
    assert "the service gives pages, legacy whole lists" in messages(endpoint)
    assert said(endpoint, "pagination") == {"pagination": "breaking"}


class ByHeader(Pages):
    def get_schema_operation_parameters(self, view: Any) -> Any:
        return [*super().get_schema_operation_parameters(view), {"name": "X-Page", "in": "header"}]


def test_headers_are_no_query(compared, router):
    @router.get("/things/", dependencies=[free(), Depends(paginate(ByHeader))])
    def things(search: Annotated[str, Header()] = "", ordering: str = "") -> Any: ...

    view = Categories.as_view(pagination_class=ByHeader)
    (endpoint,) = compared([path("things/", view)], router)
    assert "search" in said(endpoint)
    assert not {"X-Page", "ordering"} & {*said(endpoint)}


# -- lifted, plain, new -----------------------------------------------------------------------------


class CategoryViewSet(ModelViewSet):
    queryset = Category.objects.all()
    serializer_class = CategorySerializer

    @action(detail=True)
    def similar(self, request: Any, pk: str) -> Any:
        return Response({})


def registered(kind: Any) -> list[Any]:
    router = SimpleRouter()
    router.register("things", kind, basename="thing")
    return list(router.urls)


def test_a_lifted_viewset_is_equal_by_construction(compared):
    patterns = registered(CategoryViewSet)
    for endpoint in compared(patterns, lift(CategoryViewSet, urlconf=tuple(patterns))):
        assert (endpoint.kind, endpoint.findings) == ("lifted", []), endpoint.path
        assert any("equal by construction" in done.detail for done in endpoint.compared)


def test_a_lift_that_is_spelled_out(compared, router):
    class Things(ViewSet):
        permission_classes = throttle_classes = []

        def list(self, request: Any) -> Any:
            return Response([])

    @router.get("/things/", dependencies=[Depends(drf(view=Things, action="list"))])
    def things(request: DRFRequest) -> Any:
        return view_of(request).get(request)

    (endpoint,) = compared(registered(Things), router)
    assert (endpoint.kind, endpoint.findings) == ("lifted", [])


def test_a_viewset_without_get_has_no_head_either(compared, router):
    class Things(ViewSet):
        permission_classes = throttle_classes = []

        def create(self, request: Any) -> Any:
            return Response([], 201)

    router.add_api_route("/things/", lambda: None, methods=["POST"], status_code=201, dependencies=[free()])
    (endpoint,) = compared(registered(Things), router)
    assert endpoint.blocking() == []
    assert any(done.area == "methods" and done.detail == "Allow: POST, OPTIONS" for done in endpoint.compared)


def test_a_deletion_has_no_body_to_compare(compared, router):
    router.add_api_route("/thing/", lambda: None, methods=["DELETE"], status_code=204, dependencies=[free()])
    view = view_with(delete=lambda self, request: Response(status=204))
    (endpoint,) = compared([path("thing/", view.as_view())], router)
    assert endpoint.blocking() == []
    assert "response" not in left_out(endpoint)


def test_what_is_around_a_lift_is_compared(compared, router):
    class Things(ViewSet):
        permission_classes = [IsAdminUser]
        throttle_classes = []

        def list(self, request: Any) -> Any:
            return Response([])

    @router.get("/things/", dependencies=[Depends(drf(view=Things, action="list", permissions=[AllowAny]))])
    def things(request: DRFRequest) -> Any:
        return view_of(request).get(request)

    (endpoint,) = compared(registered(Things), router)
    assert said(endpoint) == {"permissions": "critical"}


def plain_view(request: Any) -> Any:
    return JsonResponse({})


def test_a_view_of_djangos_is_compared_as_far_as_it_goes(compared, router):
    router.add_api_route("/thing/", lambda: None)
    (endpoint,) = compared([path("thing/", plain_view, name="a-thing")], router)
    assert (endpoint.kind, endpoint.findings) == ("plain", [])
    assert any("reverse('a-thing')" in done.detail for done in endpoint.compared)
    assert "record and replay" in left_out(endpoint)


def test_a_path_that_is_new(compared, router):
    router.add_api_route("/thing/", lambda: None)
    (endpoint,) = compared([path("other/", plain_view)], router)
    assert (endpoint.kind, endpoint.view, endpoint.findings) == ("new", None, [])


def test_a_function_of_drfs(compared, router):
    @api_view(["GET"])
    def thing(request: Any) -> Any:
        return Response({})

    router.add_api_route("/thing/", lambda: None)
    (endpoint,) = compared([path("thing/", thing)], router)
    assert (endpoint.kind, said(endpoint)) == ("rewritten", {})


def test_a_view_that_needs_more_of_a_request_is_said_and_not_raised(compared, router):
    class Demanding(APIView):
        def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            raise KeyError(request.META["HTTP_X_TENANT"])

    router.add_api_route("/thing/", lambda: None)
    (endpoint,) = compared([path("thing/", Demanding.as_view())], router)
    assert "can't be made without a request: KeyError" in left_out(endpoint)


def test_an_endpoint_of_a_mounted_application_is_compared(compared):
    inner, app = FastAPI(), FastAPI()
    inner.add_api_route("/thing/", lambda: None, status_code=202)
    app.mount("/api", inner)
    found = compared([path("api/thing/", view_with().as_view())], app, answers="plain")
    assert ["status" in said(one) for one in found if one.path == "/api/thing/"] == [True]


@pytest.mark.parametrize(("regex", "slash"), [(r"^thing/(?P<rest>.+)$", True), (r"^thing/(?P<rest>.+)/$", False)])
def test_a_view_of_a_wider_pattern_is_found(compared, router, regex, slash):
    router.add_api_route("/thing/{pk}", lambda pk: None, dependencies=[free()])
    (endpoint,) = compared([re_path(regex, view_with().as_view())], router)
    assert endpoint.kind == "rewritten"
    assert ("without" in messages(endpoint)) is not slash


def test_without_rest_framework_every_view_is_djangos(compared, monkeypatch):
    find = importlib.util.find_spec

    def others(name: str, *more: Any) -> Any:
        return None if name == "rest_framework" else find(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", others)
    app = FastAPI()
    app.add_api_route("/thing/", lambda: None)
    (endpoint,) = compared([path("thing/", view_with().as_view())], app, answers="plain")
    assert endpoint.kind == "plain"
    assert "its bodies, answers, statuses and callers are code alone" in left_out(endpoint)
