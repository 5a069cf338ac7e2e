"""Views of every kind, and the service that has them lifted. Also a URLconf: the project that they are lifted from."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.urls import include, path, re_path
from django.views.decorators.cache import cache_control
from fastapi import FastAPI
from rest_framework import (
    filters,
    mixins,
    pagination,
    parsers,
    permissions,
    serializers,
    throttling,
    versioning,
    viewsets,
)
from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.decorators import action, api_view, permission_classes, throttle_classes
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.routers import DefaultRouter, SimpleRouter
from rest_framework.views import APIView

from gateway.bridge.drf import lift


class GroupSerializer(serializers.ModelSerializer[Group]):
    """A group."""

    class Meta:
        model = Group
        fields = ("id", "name")


class NumberedSerializer(serializers.ModelSerializer[Group]):
    """A group in a list, with a link."""

    url = serializers.HyperlinkedIdentityField(view_name="group-detail")

    class Meta:
        model = Group
        fields = ("url", "name")


class Pages(pagination.LimitOffsetPagination):
    default_limit = 2


class Once(throttling.BaseThrottle):
    """Refuses whoever says so."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        return "tired" not in request.query_params

    def wait(self) -> float:
        return 7.0


class GroupViewSet(viewsets.ModelViewSet[Group]):
    """Groups of people."""

    queryset = Group.objects.order_by("id")
    serializer_class = GroupSerializer
    pagination_class = Pages
    filter_backends = (filters.SearchFilter, filters.OrderingFilter)
    search_fields = ("name",)
    ordering_fields = ("name", "id")
    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)
    authentication_classes = (BasicAuthentication, SessionAuthentication, TokenAuthentication)
    throttle_classes = (Once,)

    # Names that a view around this one must not take.
    routes = "of buses"
    crossing = "of streets"

    def get_serializer_class(self) -> Any:
        return NumberedSerializer if self.action == "list" else GroupSerializer

    @action(detail=False, url_path=r"named/(?P<name>[a-z]+)", url_name="by-name")
    def by_name(self, request: Request, name: str, **_more: Any) -> Response:
        """One by its name."""
        return Response({"name": name, "routes": self.routes, "crossing": self.crossing, "detail": self.detail})

    @action(detail=True, methods=["get", "put"], url_path="member-list", permission_classes=[permissions.IsAdminUser])
    def members(self, request: Request, pk: str, **_more: Any) -> Response:
        """Who is in it."""
        return Response({"pk": pk, "action": self.action, "basename": self.basename})

    @members.mapping.delete
    def expel(self, request: Request, pk: str, **_more: Any) -> Response:
        """Nobody any more."""
        return Response(status=204)

    @action(detail=True, methods=["post"], pagination_class=None, name="The End")
    def finish(self, request: Request, pk: str, **_more: Any) -> Response:
        """Close it."""
        return Response({"finished": pk, "pages": str(self.pagination_class)}, status=202)


class PermissionSerializer(serializers.ModelSerializer[Permission]):
    class Meta:
        model = Permission
        fields = ("codename", "name")


class PermissionViewSet(viewsets.ReadOnlyModelViewSet[Permission]):
    """Permissions, by a codename of letters and underscores."""

    queryset = Permission.objects.order_by("id")
    lookup_field = "codename"
    lookup_url_kwarg = "word"
    lookup_value_regex = "[a-z_]+"
    permission_classes = ()

    serializer_class = PermissionSerializer


class LetteredViewSet(PermissionViewSet):
    """The same, by a converter."""

    lookup_value_converter = "slug"


class MemberViewSet(mixins.CreateModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Group]):
    """What is below a group."""

    queryset = Group.objects.none()
    serializer_class = GroupSerializer
    permission_classes = ()
    pagination_class = None

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(
            {"args": args, "kwargs": kwargs, "link": reverse("member-list", kwargs=kwargs, request=request)}
        )


class Echo(APIView):
    """Says what it was sent."""

    permission_classes = ()
    parser_classes = (parsers.JSONParser, parsers.FormParser)
    word = "none"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What is there."""
        found = request.resolver_match
        return Response(
            {"word": self.word, "args": args, "kwargs": kwargs, "name": found.view_name, "route": found.route},
            headers={"X-Echo": request.method},
        )

    def put(self, request: Request, **kwargs: Any) -> Response:
        return Response({"data": request.data, "version": request.version})

    def delete(self, request: Request, **kwargs: Any) -> Response:
        raise NotAuthenticated


class WithHead(Echo):
    def head(self, request: Request, **kwargs: Any) -> Response:
        return Response(headers={"X-Head": "own"})

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response({"own": "options"})


class Versioned(Echo):
    versioning_class = versioning.AcceptHeaderVersioning


class InNamespace(Echo):
    versioning_class = versioning.NamespaceVersioning


@api_view(["GET", "POST"])
@permission_classes([permissions.AllowAny])
@throttle_classes([Once])
def told(request: Request, word: str = "") -> Response:
    """Say it again."""
    return Response({"word": word, "data": request.data})


router = DefaultRouter()
router.register("groups", GroupViewSet)
router.register("permissions", PermissionViewSet)
unslashed = SimpleRouter(trailing_slash=False)
unslashed.register(r"groups/(?P<group>\d+)/members", MemberViewSet, basename="member")
lettered = SimpleRouter(use_regex_path=False)
lettered.register("lettered", LetteredViewSet, basename="lettered")


urlpatterns = [
    path("l/", include(router.urls)),
    path("l/", include(unslashed.urls)),
    path("l/", include(lettered.urls)),
    path("l/echo/", Echo.as_view(), name="echo"),
    path("l/echo/<int:pk>/", Echo.as_view(word="number"), name="echo-number"),
    re_path(r"^l/years/([0-9]{4})/(?:page-(\d+)/)?$", Echo.as_view(word="years"), name="years"),
    path("l/cached/", cache_control(max_age=60)(Echo.as_view(word="cached")), name="cached"),
    path("l/head/", WithHead.as_view(), name="head"),
    path("l/versioned/", Versioned.as_view(), name="versioned"),
    path("l/v1/", include(([path("inner/", InNamespace.as_view(), name="inner")], "inner"), namespace="v1")),
    path("l/told/", told, name="told"),
    path("l/told/<slug:word>/", told, name="told-word"),
]

app = FastAPI()
for one in (router, lettered, MemberViewSet, Echo, WithHead, Versioned, InNamespace, told):
    app.include_router(lift(one, urlconf=__name__))
