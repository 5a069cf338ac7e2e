"""The FastAPI services that take the shop's endpoints over: one package per service.

| service | takes over | shows |
|---|---|---|
| `catalog` | `GET /api/products/`, `GET /api/products/{id}/` | the project's filters, search and pages; the ORM stays |
| `cart` | `GET /api/cart/`, `POST /api/cart/items/` | Django's session: PATCH and DELETE are still Django's |
| `orders` | `POST /api/orders/` | permission, throttle; a transaction, e-mail after the commit |
| `reviews` | `GET` and `POST /api/reviews/` | leaving the ORM: SQLAlchemy on Django's tables, users still Django's |
| `quotes` | `GET /api/quotes/{id}/` | `middleware = "none"`: three suppliers are asked at once |

An endpoint is declared under the whole path it has in Django, since a service sees every request unmodified,
and answers byte for byte as Django did: `tests/contract/` asks both. `gateway.toml` says which requests go here.

The shop's own code is used where it was (`legacy.shop.cart`, `filters`): only the endpoints move. But for orders: their
service places them itself, by the rules of `legacy.shop.checkout`, in fewer queries.
The gateway sets Django up before it imports a service, so models can be imported at the top of a module.
"""
