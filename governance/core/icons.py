"""The icons of the pages, gathered in one file that every page shares and browsers keep.

`python manage.py draw_icons` makes `static/icons.svg` from `NAMES`, out of the lucide package. An
icon that is not named here still works: it is drawn into the page itself, at about 300 bytes.
"""

from xml.etree import ElementTree

import lucide

NAMES = (
    "arrow-down",
    "arrow-right",
    "arrow-up",
    "arrow-up-right",
    "ban",
    "bot",
    "box",
    "boxes",
    "building-2",
    "calendar-days",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "circle-alert",
    "circle-check",
    "circle-dot",
    "circle-question-mark",
    "circle-x",
    "clock",
    "crown",
    "database",
    "download",
    "external-link",
    "eye",
    "file-text",
    "folder",
    "gauge",
    "ghost",
    "git-branch",
    "git-pull-request",
    "globe",
    "history",
    "hourglass",
    "info",
    "key-round",
    "layout-dashboard",
    "list-filter",
    "loader-circle",
    "log-out",
    "mail",
    "map-pin",
    "menu",
    "minus",
    "monitor",
    "moon",
    "pause",
    "pencil",
    "play",
    "plug",
    "plus",
    "refresh-cw",
    "rotate-ccw-key",
    "scan-eye",
    "scroll-text",
    "search",
    "search-x",
    "send",
    "shield",
    "shield-alert",
    "shield-check",
    "shield-off",
    "sun",
    "trash-2",
    "trending-up",
    "triangle-alert",
    "unplug",
    "user",
    "user-check",
    "user-minus",
    "user-plus",
    "user-x",
    "users",
    "x",
)

# Drawn a file each as well, to be masks in the style: a table of hundreds of rows says its statuses
# by a class then, which is a quarter of the bytes.
MASKS = (
    "chevron-right",
    "circle-question-mark",
    "crown",
    "shield-check",
    "shield-off",
    "user",
    "user-minus",
)


def sprite() -> str:
    """The text of `static/icons.svg`: one `<symbol>` for each of `NAMES`."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg">\n'
        + "\n".join(_symbol(name) for name in NAMES)
        + "\n</svg>\n"
    )


def mask(name: str) -> str:
    """The text of `static/icons/<name>.svg`."""
    drawing: str = lucide._render_icon(name, None)
    return drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def inline(name: str) -> str:
    """The whole drawing, for an icon that is not in the sprite. Raises when lucide has none."""
    return lucide._render_icon(name, None, **{"class": "icon", "aria_hidden": "true"})


def _symbol(name: str) -> str:
    drawing = lucide._load_icon(name)
    shapes = "".join(
        ElementTree.tostring(shape, encoding="unicode")
        .replace(' xmlns="http://www.w3.org/2000/svg"', "")
        .strip()
        for shape in drawing
    )
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        f' stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>'
    )
