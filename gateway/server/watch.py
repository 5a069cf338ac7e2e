"""Watches for changes in development: `gateway serve --reload`.

There are two watchers. The supervisor, which also runs while no worker can start, watches the configuration's folder:
Python files, the configuration and `.env`. The worker runs Django's own reloader for everything else: templates and
translations, which need no restart, modules elsewhere, and whatever apps have asked Django to watch.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["FileWatch", "watch_for_django"]

PAUSE = 0.25  # seconds
_OTHERS = frozenset({"__pycache__", "node_modules", "site-packages"})


class FileWatch:
    """Watches Python files in the folder of the configuration at `path`, the configuration, and `.env` beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.parent
        self._changed: list[Path] = []
        self._lock = threading.Lock()

    def covers(self, path: Path) -> bool:
        """Whether a change of the file at `path` is reported."""
        if path == self._path or path == self._folder / ".env":
            return True
        if path.suffix != ".py" or not path.is_relative_to(self._folder):
            return False
        return not any(_is_others(folder) for folder in path.parents if folder.is_relative_to(self._folder))

    def start(self, tell: Callable[[], object]) -> None:
        """Watch from now on, on a thread, and call `tell` on changes."""
        find = self._notified if find_spec("watchfiles") else self._compared

        def look() -> None:
            for changed in find():
                with self._lock:
                    self._changed += changed
                tell()

        threading.Thread(target=look, name="gateway-watch", daemon=True).start()

    def changes(self) -> list[Path]:
        """The files that have changed since the last call."""
        if not self._changed:
            return []
        with self._lock:
            found, self._changed = self._changed, []
        return found

    def _notified(self) -> Iterator[list[Path]]:
        """Changes from the operating system (extra `reload`)."""
        import watchfiles  # type: ignore[import-not-found, unused-ignore]  # an extra

        for changes in watchfiles.watch(
            self._folder, watch_filter=lambda _, name: self.covers(Path(name)), raise_interrupt=False
        ):
            yield [Path(name) for _, name in changes]

    def _compared(self) -> Iterator[list[Path]]:
        before = self._times()
        while True:
            time.sleep(PAUSE)
            now = self._times()
            if changed := [path for path, _ in before.items() ^ now.items()]:
                yield changed
            before = now

    def _times(self) -> dict[Path, int]:
        return _times([self._path, self._folder / ".env", *_sources(self._folder)])


def _sources(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_others(Path(here, name))]
        for name in names:
            if name.endswith(".py"):
                yield Path(here, name)


def _is_others(folder: Path) -> bool:
    """Whether the folder has no source of the project: it is hidden, installed, or a virtual environment."""
    return folder.name.startswith(".") or folder.name in _OTHERS or (folder / "pyvenv.cfg").exists()


def _times(paths: Iterable[Path]) -> dict[Path, int]:
    found = {}
    for path in paths:
        try:
            found[path] = path.stat().st_mtime_ns
        except OSError:  # it doesn't exist (any more)
            continue
    return found


def watch_for_django(gateway: Gateway, path: Path, restart: Callable[[], object]) -> None:
    """Run Django's reloader beside `gateway`, whose configuration is at `path`: apps handle changes by Django's
    signals; `restart` is called for changes that no app handles."""
    if gateway.config.legacy.wsgi is not None:
        return
    from django.utils import autoreload

    covered = FileWatch(path)

    class Reloader(autoreload.StatReloader):
        """Django's, which only notices changes of known files: a new or deleted one may be a template, too."""

        def tick(self) -> Iterator[None]:
            before = _times(set(self.watched_files()))
            while True:
                yield
                time.sleep(PAUSE)
                now = _times(set(self.watched_files()))
                for changed in {path for path, _ in before.items() ^ now.items()}:
                    if changed in before or any(folder in changed.parents for folder in self.directory_globs):
                        self.notify_file_changed(changed)  # otherwise a module that was just imported
                before = now

        def notify_file_changed(self, path: str | os.PathLike[str]) -> None:
            path = Path(path)
            answers = autoreload.file_changed.send(sender=self, file_path=path)
            if not any(taken_in for _, taken_in in answers) and not covered.covers(path):
                restart()

    reloader = Reloader()
    main = threading.main_thread()
    threading.Thread(target=reloader.run, args=(main,), name="gateway-django-watch", daemon=True).start()
