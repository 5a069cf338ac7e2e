"""What a number is worth without: the machine, the versions and the commit it was measured on."""

import contextlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.process import ROOT

PACKAGES = (
    "django", "fastapi", "starlette", "pydantic", "asgiref", "uvicorn", "uvloop", "httptools",
    "httpx", "httpcore", "whitenoise", "a2wsgi", "gunicorn", "granian",
)  # fmt: skip


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, memory in MiB, kernel and the load before the run; no names of hosts."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2
    return {
        "cpu": _cpu_model(),
        "cores": len(usable),
        "memory_mib": memory,
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe_versions(wrk: str | None) -> dict[str, str]:
    """Return the versions of Python and every package involved, and of wrk where it made the load."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    if wrk:
        # wrk names its version, and then exits with 1 as for any wrong usage.
        lines = subprocess.run([wrk, "--version"], text=True, capture_output=True, check=False).stdout.split()
        versions["wrk"] = lines[1] if len(lines) > 1 else "unknown"
    return versions


def describe_commit() -> dict[str, Any]:
    """Return the short commit and whether tracked files differ from it; `unknown` outside a clone."""
    commit = _git("rev-parse", "--short", "HEAD")
    if commit is None:
        return {"commit": "unknown", "dirty": None}
    # Results of earlier runs do not change what is measured.
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results")
    return {"commit": commit, "dirty": bool(changes)}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, text=True, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
