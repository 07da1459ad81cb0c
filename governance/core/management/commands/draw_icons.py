"""Make `static/icons.svg` and `static/icons/` anew, after an icon was added to `core/icons.py`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from governance.core import icons


class Command(BaseCommand):
    help = "Gather the icons of the pages in static/icons.svg and static/icons/."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        static = settings.BASE_DIR / "static"
        (static / "icons.svg").write_text(icons.sprite(), encoding="utf-8")
        (static / "icons").mkdir(exist_ok=True)
        for name in icons.MASKS:
            (static / "icons" / f"{name}.svg").write_text(icons.mask(name), encoding="utf-8")
        self.stdout.write(f"{len(icons.NAMES)} icons in {static}.")
