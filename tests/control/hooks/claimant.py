"""A process that delivers what waits, until nothing does. Prints when it is ready, and begins at the first line."""

from __future__ import annotations

import sys

import django


def main() -> None:
    django.setup()
    from gateway.config.files import load
    from gateway.control.hooks.delivery import Deliverer
    from gateway.control.models import HookDelivery

    deliverer = Deliverer(load().hooks)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while deliverer.work() or HookDelivery.objects.filter(state=HookDelivery.WAITING).exists():
        pass


if __name__ == "__main__":
    main()
