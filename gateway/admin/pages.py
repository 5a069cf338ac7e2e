"""The views of the section, imported with the first request for one: see section.py."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gateway.admin.explaining import METHODS, Question, explanation, question_in
from gateway.admin.inventory_cache import INVENTORY
from gateway.admin.moves import NotMoved, carry_out, move_in
from gateway.admin.overview import overview
from gateway.admin.permissions import Allowed, allowed, demand
from gateway.admin.polling import Fragments, answered, unseen
from gateway.admin.project import AdminProject, project
from gateway.admin.recording import record
from gateway.admin.route_page import RoutePage, ShownDifference, group_of, route_page
from gateway.admin.settling import NotSettled, settle
from gateway.admin.steps import steps_down, steps_up
from gateway.clock import utc_now
from gateway.config.problems import ConfigError
from gateway.config.routes import RouteConfig
from gateway.control.models import Route
from gateway.control.templatetags.gateway_admin import translated
from gateway.wording import Message
from gateway.workbench.database import trouble

__all__ = ["FRAGMENTS", "SectionPages"]

logger = logging.getLogger("gateway.admin")

View = Callable[..., HttpResponseBase]
FRAGMENTS = Fragments()
SECONDS = 5  # between two looks for news of a route
OWN = '<div id="gw-own" data-keep></div>'  # where a route's page has its forms, which no news replace


class SectionPages:
    """The views of `section`, the ModelAdmin that they belong to."""

    def __init__(self, section: admin.ModelAdmin[Route]) -> None:
        self._section = section
        self._site = section.admin_site

    def answer(self, name: str, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        """The page of that name; or one that says what to do where the configuration or the database can't be read."""
        view: View = getattr(self, name)
        try:
            return view(request, **arguments)
        except ConfigError as exc:
            problem = str(exc)
        except DatabaseError as exc:
            problem = trouble(exc)
        may = allowed(request.user)
        return self._page(request, "unavailable.html", may, status=503, title=_("Migration"), problem=problem)

    # -- the overview ------------------------------------------------------------------------------

    def overview(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """How far the migration is."""
        may, found = self._allowed(request), project()
        live = FRAGMENTS.get(_key(may, "overview"), lambda: _overview(may, found), anew=True)
        context = {"live": live.html, "etag": live.etag, "news": "news/", "tab": "overview"} | (extra_context or {})
        return self._page(request, "overview.html", may, title=_("Migration"), **context)

    def overview_news(self, request: HttpRequest) -> HttpResponseBase:
        """The part of the overview that changes, for an open page."""
        unseen(request)
        may, found = self._allowed(request), project()
        return answered(request, FRAGMENTS.get(_key(may, "overview"), lambda: _overview(may, found)))

    # -- a route -----------------------------------------------------------------------------------

    def route(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """One route; a POST moves it."""
        may, route = self._allowed(request), _route(object_id)
        if request.method == "POST":
            records = request.POST.get("verb") == "record"
            demand(may.record if records else may.operate)
            return self._moved(request, route, may, records=records)
        return self._route(request, route, may)

    def _moved(
        self, request: HttpRequest, route: RouteConfig, may: Allowed, *, records: bool = False
    ) -> HttpResponseBase:
        who = request.user.get_username()
        try:
            if records:
                done = record(route, request.POST, who).message
            else:
                done = carry_out(route, move_in(request.POST), who, may).message
        except NotMoved as exc:
            return self._route(request, route, may, exc)
        FRAGMENTS.clear()
        self._done(request, route, done)
        return HttpResponseRedirect(self._url("change", quote(route.name)))

    def _route(
        self, request: HttpRequest, route: RouteConfig, may: Allowed, refusal: NotMoved | None = None
    ) -> HttpResponse:
        page = route_page(route, utc_now())
        live = FRAGMENTS.get(_key(may, "route", route.name), lambda: _route_part(may, page), anew=True)
        state, wanted = page.status.effective, refusal.move if refusal is not None else None
        return self._page(
            request,
            "route.html",
            may,
            status=200 if refusal is None else refusal.status,
            title=route.name,
            crumbs=[(route.name, "")],
            page=page,
            live=live.html.split(OWN),
            etag=live.etag,
            news=f"{self._url('change', quote(route.name))}news/",
            seconds=SECONDS,
            refusal=refusal,
            wanted=wanted,
            whys={wanted.verb: wanted.why} if wanted is not None else {},
            up=steps_up(route, state, page.metrics),
            down=steps_down(route, state, page.metrics),
            others=_others(page),
            methods=METHODS,
            asked=Question(path=route.prefix or route.path or "/"),
        )

    def route_news(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The part of a route's page that changes, for an open page."""
        unseen(request)
        may, route = self._allowed(request), _route(object_id)
        key = _key(may, "route", route.name)
        live = FRAGMENTS.get(key, lambda: _route_part(may, route_page(route, utc_now())), fresh=SECONDS - 1)
        return answered(request, live)

    def difference(self, request: HttpRequest, object_id: str, key: str) -> HttpResponseBase:
        """One difference; a POST settles it."""
        may, route = self._allowed(request), _route(object_id)
        if (group := group_of(route, key)) is None:
            raise Http404(_("there is no such difference"))
        if request.method != "POST":
            return self._difference(request, route, group, may)
        demand(may.accept)
        try:
            done = settle(group.report, request.POST, request.user.get_username(), utc_now())
        except NotSettled as exc:
            return self._difference(request, route, group, may, exc)
        FRAGMENTS.clear()
        self._done(request, route, done)
        return HttpResponseRedirect(self._url("change", quote(route.name)))

    def _difference(
        self,
        request: HttpRequest,
        route: RouteConfig,
        group: ShownDifference,
        may: Allowed,
        refusal: NotSettled | None = None,
    ) -> HttpResponse:
        crumbs = [(route.name, self._url("change", quote(route.name))), (group.report.summary, "")]
        return self._page(
            request,
            "settle.html",
            may,
            status=200 if refusal is None else refusal.status,
            title=group.report.summary,
            crumbs=crumbs,
            group=group,
            refusal=refusal,
        )

    def _done(self, request: HttpRequest, route: RouteConfig, done: Message) -> None:
        """Say what was done, in the admin's own log too, in English: gateway.control has it in any case."""
        try:
            self._section.log_change(request, Route(name=route.name), str(done))
        except DatabaseError:
            logger.exception("the admin's log does not say that %s", done)
        messages.success(request, translated(done))

    # -- endpoints, and why ------------------------------------------------------------------------

    def endpoints(self, request: HttpRequest) -> HttpResponseBase:
        """The inventory, as a page or as a file."""
        from gateway.admin.endpoints import as_csv, as_json, endpoint_list

        may, found = self._allowed(request), project()
        title = _("Endpoints")
        if found.gateway is None:
            return self._page(request, "endpoints.html", may, title=title, crumbs=[(title, "")], unserved=True)
        listed = endpoint_list(INVENTORY.get(found.gateway), request.GET)
        wanted = request.GET.get("format")
        if wanted == "csv":
            return _file(HttpResponse(as_csv(listed.entries), content_type="text/csv; charset=utf-8"), "endpoints.csv")
        if wanted == "json":
            return _file(JsonResponse(as_json(listed, found.gateway)), "endpoints.json")
        return self._page(
            request, "endpoints.html", may, title=title, crumbs=[(title, "")], tab="endpoints", listed=listed
        )

    def endpoint(self, request: HttpRequest) -> HttpResponse:
        """One endpoint: its brief, and what scaffold would write."""
        from gateway.admin.endpoints import endpoint_page
        from gateway.workbench.inventory import NoSuchEndpoint

        may, found = self._allowed(request), project()
        name = request.GET.get("endpoint", "")
        context: dict[str, Any] = {"title": name, "crumbs": [(_("Endpoints"), self._url("endpoints")), (name, "")]}
        if found.gateway is None:
            return self._page(request, "endpoint.html", may, unserved=True, **context)
        rewrite, service = request.GET.get("rewrite") == "yes", request.GET.get("service", "")
        try:
            page = endpoint_page(
                name, service, INVENTORY.get(found.gateway), Path(found.config.source), rewrite=rewrite
            )
        except NoSuchEndpoint as exc:
            return self._page(request, "endpoint.html", may, status=404, problem=str(exc), **context)
        return self._page(request, "endpoint.html", may, page=page, rewrite=rewrite, **context)

    def explain(self, request: HttpRequest) -> HttpResponse:
        """Which upstream would answer a request, and why."""
        may, found = self._allowed(request), project()
        asked = question_in(request.GET)
        title = _("Why?")
        answer = explanation(found.gateway, asked) if found.gateway is not None and asked.path else None
        return self._page(
            request,
            "explain.html",
            may,
            title=title,
            crumbs=[(title, "")],
            tab="explain",
            methods=METHODS,
            asked=asked,
            answer=answer,
            unserved=found.gateway is None,
        )

    # -- rendering ---------------------------------------------------------------------------------

    def _allowed(self, request: HttpRequest) -> Allowed:
        """What the user may do. Raises PermissionDenied if the section isn't for them."""
        may = allowed(request.user)
        demand(may.view)
        return may

    def _url(self, name: str, *arguments: str) -> str:
        return reverse(f"admin:gateway_control_route_{name}", args=arguments, current_app=self._site.name)

    def _page(
        self, request: HttpRequest, template: str, may: Allowed, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        """A whole page, in the admin's frame."""
        request.current_app = self._site.name
        frame: Mapping[str, Any] = self._site.each_context(request)
        shared = {"opts": self._section.opts, "may": may, "media": self._section.media}
        return TemplateResponse(request, f"gateway_admin/{template}", {**frame, **shared, **context}, status=status)


def _key(may: Allowed, *what: object) -> tuple[object, ...]:
    """What a fragment depends on, besides the state."""
    return get_language(), get_current_timezone_name(), may, *what


def _overview(may: Allowed, found: AdminProject) -> str:
    page = overview(found, utc_now())
    return render_to_string("gateway_admin/overview_live.html", {"may": may, "page": page})


def _route_part(may: Allowed, page: RoutePage) -> str:
    return render_to_string("gateway_admin/route_live.html", {"may": may, "page": page})


def _route(object_id: str) -> RouteConfig:
    """The route of that name. Raises Http404."""
    name = unquote(object_id)
    if (route := project().route(name)) is None:
        raise Http404(_("there is no such route in the configuration"))
    return route


def _others(page: RoutePage) -> list[tuple[str, str]]:
    """The verbs without a target that are possible now, with their titles."""
    state = page.status.effective
    found = [("resume", _("Resume"))] if state.paused else [("pause", _("Pause"))]
    if state.stage == "retired":
        found = []
    return [*found, ("clear", _("Back to the file"))] if page.status.changed else found


def _file(response: HttpResponse, name: str) -> HttpResponse:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
