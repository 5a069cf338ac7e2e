"""What the tests share: an ASGI client that sees every message, and real servers."""
