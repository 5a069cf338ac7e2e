"""Sets Django up, as `[legacy]` says."""

from __future__ import annotations

import os
import sys

from gateway.config.legacy import LegacyConfig
from gateway.config.problems import Problem

__all__ = ["said", "set_up_django", "set_up_legacy", "settings_module"]

SETTINGS_VARIABLE = "DJANGO_SETTINGS_MODULE"


def set_up_django(module: str) -> None:
    """Call `django.setup()` with this settings module. Raises what the project raises.

    A process has one settings module: if another is in force already, RuntimeError says which.
    """
    from django.conf import settings

    if settings.configured and module != (active := settings_module()):
        raise RuntimeError(f"this process has set up {active} already")
    os.environ[SETTINGS_VARIABLE] = module
    import django

    django.setup()


def settings_module() -> str | None:
    """The settings module of this process, which is configured; None if it has none.

    Settings that are overridden for a test don't know their module, and those of a library that replaces Django's
    object (Dynaconf) name another file: then DJANGO_SETTINGS_MODULE counts.
    """
    from django.conf import settings

    said: object = settings.SETTINGS_MODULE
    return said if isinstance(said, str) and said in sys.modules else os.environ.get(SETTINGS_VARIABLE)


def set_up_legacy(config: LegacyConfig, problems: list[Problem]) -> bool:
    """Call `django.setup()` as `[legacy]` says, without loading the URLconf. Returns False and adds to `problems` when
    that fails."""
    module = config.settings or os.environ.get(SETTINGS_VARIABLE)
    if module is None:
        if config.wsgi is not None:
            return True  # not a Django project, or one that sets itself up
        if _configured_already():
            return True
        expected = f'missing; write settings = "mysite.settings", or set {SETTINGS_VARIABLE}'
        problems.append(Problem("legacy.settings", None, expected))
        return False
    try:
        set_up_django(module)
    except ModuleNotFoundError as exc:
        if exc.name is not None and (module == exc.name or module.startswith(f"{exc.name}.")):
            expected = f"a settings module that can be imported; there is no module {exc.name!r}"
        else:
            expected = f"a project that can be set up: {said(exc)}"
        problems.append(Problem("legacy.settings", module, expected))
        return False
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - settings and every app's ready() run here: anything can happen
        problems.append(Problem("legacy.settings", module, f"a project that can be set up: {said(exc)}"))
        return False
    return True


def _configured_already() -> bool:
    """Whether this process has called `settings.configure()`; if so, Django is set up, unless it already was."""
    from django.apps import apps
    from django.conf import settings

    if not settings.configured or settings.SETTINGS_MODULE:
        return False
    if not apps.ready:
        import django

        django.setup()
    return True


def said(exc: BaseException) -> str:
    """The message of an exception, with its type."""
    return f"{type(exc).__name__}: {exc}"
