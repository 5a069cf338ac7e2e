"""`manage.py maintenance on|off`: close and open the shop."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Create or remove `settings.MAINTENANCE_FILE`."""

    help = "Closes the shop to everybody but staff, or opens it again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take on or off."""
        parser.add_argument("state", choices=["on", "off"])

    def handle(self, *args: Any, state: str, **options: Any) -> None:
        """Close or open the shop."""
        if state == "on":
            settings.MAINTENANCE_FILE.touch()
        else:
            settings.MAINTENANCE_FILE.unlink(missing_ok=True)
        self.stdout.write(f"Maintenance is {state}.")
