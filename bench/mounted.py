"""What the FastAPI documentation suggests: Django's own ASGI handler mounted into the FastAPI app."""

from fastapi import FastAPI

from bench.project.asgi import application
from bench.service import lifespan, router

app = FastAPI(lifespan=lifespan)
app.include_router(router)
app.mount("/", application)
