"""Make `static/icons.svg` anew, after an icon was added to `core/icons.py`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from governance.core import icons


class Command(BaseCommand):
    help = "Gather the icons of the pages in static/icons.svg."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        target = settings.BASE_DIR / "static" / "icons.svg"
        target.write_text(icons.sprite(), encoding="utf-8")
        self.stdout.write(f"{len(icons.NAMES)} icons in {target}.")
