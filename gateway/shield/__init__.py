"""Shields what callers share through Django from mirrors: caches, sessions, mail, files, tasks and messages.

A mirror must not read what was made for callers, or the other upstream would not do its work, and must leave nothing
behind. Each store is an instance of one of a few base classes, whatever setting, library or code created it. So the
methods of these classes check whether they are called for a mirror.
"""

from __future__ import annotations

import sys

from gateway.shield.caches import shield_caches
from gateway.shield.databases import shield_databases
from gateway.shield.files import shield_files
from gateway.shield.libraries import DATABASES, shield_libraries
from gateway.shield.mail import shield_mail
from gateway.shield.outside import OUTSIDE, shield_outside
from gateway.shield.scratch import divert_databases, scratch_problems
from gateway.shield.sessions import shield_sessions
from gateway.shield.sides import keep_sides_apart
from gateway.shield.sockets import shield_sockets
from gateway.shield.tasks import TASK_CLASSES, shield_tasks
from gateway.shield.threads import shield_threads
from gateway.shield.unknown import unshielded

__all__ = ["keep_sides_apart", "scratch_problems", "shield", "shield_imported", "unshielded"]


def shield(*, readable: tuple[str, ...] = (), divert: bool = False) -> None:
    """From now on, shield shared resources from mirrors. `readable`: the aliases of CACHES that they may read;
    `divert`: some mirrors use scratch databases.

    May be called again: what is guarded stays guarded.
    """
    shield_databases()
    if divert:
        divert_databases()
    shield_caches(readable)
    shield_sessions()
    shield_mail()
    shield_files()
    shield_imported()
    shield_threads()
    shield_sockets()


def shield_imported() -> None:
    """The same for libraries that were imported since. Cheap if there are none, since it is called for each mirror."""
    imported = LIBRARIES.keys() & sys.modules.keys()
    if imported == _shielded:
        return
    shield_outside()
    shield_tasks()
    shield_libraries()
    _shielded.clear()
    _shielded.update(name for name in imported if _is_whole(name))


def _is_whole(name: str) -> bool:
    """Whether the import has got as far as the classes that are guarded: another thread may be importing."""
    return all(hasattr(sys.modules.get(name), cls) for cls in LIBRARIES[name])


def _classes_by_module() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module, cls in (*OUTSIDE, *TASK_CLASSES, *DATABASES):
        found.setdefault(module, set()).add(cls)
    return found


LIBRARIES = _classes_by_module()
_shielded: set[str] = set()  # modules whose classes are guarded
