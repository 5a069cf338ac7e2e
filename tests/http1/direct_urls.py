"""Views whose responses are of every kind that the direct path tells apart. Each has the tag of its request."""

import io

from django.http import FileResponse, HttpResponse, HttpResponseNotModified, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET


def tagged(request):
    return JsonResponse(
        {
            "tag": request.headers.get("X-Tag"),
            "body": request.body.decode("latin-1"),
            "method": request.method,
            "query": request.GET.dict(),
        }
    )


def streamed(request):
    return StreamingHttpResponse(iter([request.headers["X-Tag"].encode()]))  # one chunk: several may be joined


def sent_from_a_file(request):
    return FileResponse(io.BytesIO(request.headers["X-Tag"].encode()), filename="tag.txt")


def large(request):
    return HttpResponse(request.headers["X-Tag"].encode() * 20_000)


def empty(request):
    return HttpResponse(status=204)


def not_modified(request):
    return HttpResponseNotModified(headers={"ETag": '"' + request.headers["X-Tag"] + '"'})


def with_cookies(request):
    response = HttpResponse(request.headers["X-Tag"])
    response.set_cookie("first", request.headers["X-Tag"], httponly=True)
    response.set_cookie("second", "2", max_age=60)
    return response


def longer_than_it_says(request):
    return HttpResponse(request.headers["X-Tag"] + "more", headers={"Content-Length": "3"})


def shorter_than_it_says(request):
    return HttpResponse(request.headers["X-Tag"], headers={"Content-Length": "300"})


def a_header_that_cannot_be_sent(request):
    return HttpResponse(request.headers["X-Tag"], headers={"X-Odd": "\x01"})


def raises(request):
    raise RuntimeError(request.headers["X-Tag"])


VIEWS = {
    "tagged": tagged,
    "streamed": streamed,
    "file": sent_from_a_file,
    "large": large,
    "empty": empty,
    "not-modified": not_modified,
    "cookies": with_cookies,
    "longer": longer_than_it_says,
    "shorter": shorter_than_it_says,
    "odd": a_header_that_cannot_be_sent,
    "raises": raises,
    "only-get": require_GET(tagged),
}

urlpatterns = [path(f"{name}/", csrf_exempt(view)) for name, view in VIEWS.items()]
