"""`python manage.py gateway …`: the command line, inside the Django project."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gateway.cli import main

__all__ = ["Command"]


class Command(BaseCommand):
    """Passes all arguments on to the command line, so that both accept the same."""

    help = "The gateway's command line: serve, check, explain, and status, promote, rollback and more of the rollout."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """As called by manage.py."""
        main(argv[2:], prog_name=f"{argv[0]} {argv[1]}")

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """As called by `manage.py help gateway`."""
        main(["--help"], prog_name=f"{prog_name} {subcommand}")

    def add_arguments(self, parser: CommandParser) -> None:
        """For `call_command`."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """As called by `call_command("gateway", "routes", "--json")`."""
        main(options["arguments"], prog_name="gateway")
