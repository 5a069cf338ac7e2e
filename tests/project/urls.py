from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.urls import include, path, re_path, register_converter
from django.urls.converters import StringConverter
from django.utils.asyncio import async_unsafe

from tests.project import faulty, lifetime, mirrored, orders, views


class Shelf(StringConverter):
    """Finds out which shelves there are as the ORM would, and so not on an event loop."""

    @async_unsafe
    def to_python(self, value):
        if value == "missing":
            raise ValueError
        return value


register_converter(Shelf, "shelf")
nested = [path("json/", views.as_json), path("async/<int:number>/", views.numbered_async)]

urlpatterns = [
    path("", lambda request: HttpResponse("home")),
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(template_name="registration/login.html")),
    path("json/", views.as_json, name="json"),
    path("echo/", views.echo),
    path("echo/<path:rest>", views.echo),
    path("addresses/", views.addresses),
    path("host/", views.host),
    path("debug/", views.debug),
    path("orm/", views.orm),
    path("connections/", views.open_connections),
    path("threads/", views.threads),
    path("gates/<name>/<verb>/", views.gate),
    path("waits/<name>/", views.waits),
    path("streamed/<name>/", views.streamed),
    path("endless/<name>/", views.endless),
    path("waits-then-endless/<name>/", views.waits_then_endless),
    path("long/<name>/", views.long),
    path("large/<int:size>/", views.large),
    path("stream-raises/<kind>/", views.stream_raises),
    path("breaks-off/", views.breaks_off),
    path("file/<int:size>/", views.file),
    path("upload/", views.upload),
    path("digest/", views.digest),
    path("whole-body/", views.whole_body),
    path("raises/", views.raises),
    path("exits/", views.exits),
    path("stops-iteration/", views.stops_iteration),
    path("locale/", views.locale),
    path("counter/", views.counter),
    path("async-counter/", views.async_counter),
    path("private/", views.private),
    path("who/", views.who),
    path("log-out/", views.log_out),
    path("cycle/", views.cycle),
    path("password/", views.change_password),
    path("message/", views.leave_message),
    path("messages/", views.read_messages),
    path("form/", views.form),
    path("cookies/", views.cookies),
    path("odd-headers/", views.odd_headers),
    path("only-get/", views.only_get),
    path("async/json/", views.async_json),
    path("async/meta/", views.async_meta),
    path("async/who/", views.async_who),
    path("zone/", views.zone),
    path("async/hop/", views.async_hop),
    path("async/waits/<name>/", views.async_waits),
    path("async/orm/", views.async_orm),
    path("async/locale/", views.async_locale),
    path("async/streamed/<name>/", views.async_streamed),
    path("async/endless/<name>/", views.async_endless),
    path("async-stream-of-sync-view/", views.async_stream_of_sync_view),
    path("async-stream-that-waits/<name>/", views.async_stream_that_waits),
    path("async-stream-with-orm/", views.async_stream_with_orm),
    path("nested/", include(nested)),
    re_path(r"^colou?r/(?P<name>[a-z]+)/$", views.coloured_async),
    path("shelves/<shelf:name>/", views.shelf),
    path("async/shelves/<shelf:name>/", views.async_shelf),
    # Also served, or half served, by services:
    path("f/<how>/", views.steady),
    path("b/undoable/<name>/", views.created),
    path("b/undoable-hook/<name>/", views.created),
    path("b/unmarked/<name>/", views.created),
    path("faults/<stage>/<path:how>/", faulty.view),
    path("orders/<kind>/<key>/", orders.view),
    path("first/<kind>/<name>/", lifetime.view),
    path("second/<kind>/<name>/", lifetime.view),
    path("m/slow/", mirrored.slow),
    path("m/things/<int:number>/", mirrored.thing),
    path("m/<what>/", mirrored.view),
    path("api/items/", views.like_drf),
    path("api/both/", views.like_drf),
    path("api/old/", views.like_drf),
]
urlpatterns += i18n_patterns(
    path("translated/", views.translated, name="translated"),
    path("async-translated/", views.async_translated),
)
