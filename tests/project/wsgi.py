"""The WSGI applications that can stand where the Django project does."""

from flask import Flask, Response, request

from tests.project import gates

flask_app = Flask(__name__)


@flask_app.get("/hello/")
def hello():
    return {"from": "flask"}


@flask_app.route("/echo/", methods=["GET", "POST"])
def echo():
    return {
        "query": request.query_string.decode("latin-1"),
        "args": request.args.to_dict(),
        "body": request.get_data(as_text=True),
        "script_root": request.script_root,
        "path": request.path,
        "request_id": request.headers.get("X-Request-ID"),
        "cookie": request.headers.get("Cookie"),
    }


@flask_app.get("/streamed/<name>/")
def streamed(name):
    def parts():
        yield b"first\n"
        gates.wait(name)
        yield b"last\n"

    return Response(parts())


@flask_app.post("/gates/<name>/open/")
def open_gate(name):
    gates.open_gate(name)
    return "opened"


@flask_app.get("/raises/")
def raises():
    raise RuntimeError("a secret that no caller may read")


def broken(environ, start_response):
    raise RuntimeError("a secret that no caller may read")


def hello_app(environ, start_response):
    """The smallest: names the path it was asked for."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"legacy ", environ["PATH_INFO"].encode("latin-1")]


def django_app(environ, start_response):
    """Django with its WSGI handler, set up when it is first asked."""
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()(environ, start_response)
