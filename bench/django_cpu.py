"""Django's own CPU time per request: its WSGI handler in a loop, no server, one thread.

`python -m bench.django_cpu /json/` prints the seconds. Together with bare uvicorn's share this is the
least that any server built on uvicorn can spend on the request, hence the limit the gateway is held to.
"""

import argparse
import io
import statistics
import sys
import time
from typing import Any

BATCH = 200


def environ(path: str) -> dict[str, Any]:
    """Return what a WSGI server passes for `GET path` with the headers the load generator sends."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def cpu_per_request(path: str, seconds: float) -> float:
    """Return the median over batches of CPU seconds per request, after one second of warming up.

    Raises `RuntimeError` when the view does not answer 200.
    """
    from bench.project.wsgi import application

    template = environ(path)
    statuses: list[str] = []

    def start_response(status: str, _headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        statuses.append(status)

    def batch() -> float:
        statuses.clear()
        started = time.process_time()
        for _ in range(BATCH):
            response = application(template.copy(), start_response)
            b"".join(response)
            response.close()
        spent = time.process_time() - started
        if wrong := {status for status in statuses if not status.startswith("200 ")}:
            raise RuntimeError(f"GET {path} answered {', '.join(sorted(wrong))}; expected 200")
        return spent / BATCH

    warm_until = time.monotonic() + min(1.0, seconds)
    while time.monotonic() < warm_until:
        batch()
    until = time.monotonic() + seconds
    batches = [batch()]
    while time.monotonic() < until:
        batches.append(batch())
    return statistics.median(batches)


def main() -> None:
    """Print the CPU seconds per request for the path given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    print(cpu_per_request(options.path, options.seconds))


if __name__ == "__main__":
    main()
