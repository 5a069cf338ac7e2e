"""All that is around bodies and answers: callers, statuses, paths, lists, OPTIONS; lifted, plain and new endpoints."""

from typing import Any

import pytest
from django.http import JsonResponse
from django.urls import path
from fastapi import APIRouter, Depends, FastAPI
from rest_framework import status
from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.decorators import action, api_view
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet, ViewSet

from gateway.bridge.drf import lift
from gateway.bridge.drf.credentials import DRFRequest, check_object_permissions, drf, view_of
from gateway.bridge.drf.filters import filtered
from gateway.bridge.drf.pagination import paginate
from gateway.bridge.drf.route import DRFRoute
from legacy.shop.api.serializers import CategorySerializer
from legacy.shop.models import Category
from tests.workbench.contract.conftest import left_out, messages, said


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


def of_object(compared: Any, function: Any) -> Any:
    router = APIRouter(route_class=DRFRoute)
    given = drf(permissions=[Owner], throttles=[])
    router.add_api_route("/thing/{pk:int}/", function, methods=["GET"], dependencies=[Depends(given)])
    view = view_with(permission_classes=[Owner])
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


def test_permissions_on_objects_have_to_be_asked_by_the_endpoint(compared):
    assert "Owner looks at the object" in messages(of_object(compared, forgetful))
    assert of_object(compared, careful).blocking() == []
    assert of_object(compared, careful_by_a_helper).blocking() == []


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
