"""The Django project through a2wsgi, with the gateway's number of threads."""

import os

from a2wsgi import WSGIMiddleware

from bench.project.wsgi import application

app = WSGIMiddleware(application, workers=int(os.environ["BENCH_THREADS"]))
