"""The FastAPI services that take the shop's endpoints over: one package per service.

| service | takes over | so that |
|---|---|---|
| `catalog` | `GET /api/products/`, `GET /api/products/{id}/` | reading products leaves DRF; the ORM stays |
| `quotes` | `GET /api/quotes/{id}/` | three suppliers are asked at once, and no thread waits for them |

An endpoint is declared under the whole path it has in Django, since a service sees every request unmodified,
and answers byte for byte as Django did: `tests/contract/` asks both. `gateway.toml` says which requests go here.

The gateway sets Django up before it imports a service, so models can be imported at the top of a module.
"""
