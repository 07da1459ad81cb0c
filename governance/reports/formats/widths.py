"""How wide the columns of a page are: as their content needs; words are broken where none fits.

Lengths are points of the letters that `print.typ` sets, reckoned a little too wide rather than too
narrow: a word that is wider than its column would cover the next one.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

PAGE = 773.0  # between the margins of A4, lying
SIZE = 8.0
_AROUND = 5.5  # what a cell has around its text
_BOLD = 1.08
# No column asks for more than this, however much stands in it: it has several lines then.
_WIDEST_WORD, _WIDEST = 170.0, 230.0
_NARROW = dict.fromkeys(" !'()*,-./:;IJijl[]`{|}frt\u00a0", 0.34)
_WIDE = dict.fromkeys("@MWmw%", 0.88) | {"W": 0.98, "w": 0.77}
_DIGITS = dict.fromkeys("0123456789$#?", 0.47)
# In ems, of the letters that are not about as wide as an n.
_WIDTHS = _NARROW | _WIDE | _DIGITS | dict.fromkeys("aceszLS", 0.53)
# What stays together without a mark: up to a blank, or a hyphen with no digit after it.
_PARTS = re.compile(r"(?:[^ -]|-(?=\d))+-*|-+")
# After these a long word is broken rather than elsewhere.
_JOINTS = frozenset("@._/")
MARK = "\u200b"  # as the template knows it; nothing of it is in the file


@lru_cache(maxsize=20_000)
def length(text: str) -> float:
    """How long a text is in one line."""
    return SIZE * sum(
        _WIDTHS.get(sign, 0.73 if sign.isupper() else 1.0 if sign > "\u0460" else 0.56)
        for sign in text
    )


def shared(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[float]:
    """The width of each column; together they fill the page."""
    words = [max(map(length, _PARTS.findall(name)), default=0) * _BOLD for name in head]
    texts = list(words)
    for row in rows:
        for place, text in enumerate(row):
            # Most are no longer than another before.
            if (long := length(text)) > words[place]:
                texts[place] = max(texts[place], long)
                words[place] = max(words[place], *map(length, _PARTS.findall(text)))
    needed = [min(word, _WIDEST_WORD) for word in words]
    wanted = [min(text, _WIDEST) for text in texts]
    return [width + _AROUND for width in _fitted(needed, wanted, PAGE - _AROUND * len(head))]


def _fitted(needed: Sequence[float], wanted: Sequence[float], page: float) -> list[float]:
    """What each wants where there is room; else what it needs and a share of the rest; else the
    longest give way, all to the same width."""
    if sum(wanted) <= page:
        return [width * page / sum(wanted) for width in wanted]
    spare = page - sum(needed)
    if spare >= 0:
        more = [max(0.0, want - need) for want, need in zip(wanted, needed, strict=True)]
        return [need + spare * one / sum(more) for need, one in zip(needed, more, strict=True)]
    most, rest = max(needed), -spare
    while rest > 0.5:
        tall = [need for need in needed if need >= most]
        following = max((need for need in needed if need < most), default=0.0)
        step = min(most - following, rest / len(tall))
        most, rest = most - step, rest - step * len(tall)
    return [min(need, most) for need in needed]


def broken(row: Sequence[str], across: Sequence[float]) -> list[str]:
    """The texts, with a mark wherever a word may be broken that is longer than its column."""
    return [
        text if length(text) <= width - _AROUND else _broken(text, width - _AROUND)
        for text, width in zip(row, across, strict=True)
    ]


def _broken(text: str, width: float) -> str:
    return _PARTS.sub(lambda found: _word(found[0], width), text)


def _word(word: str, width: float) -> str:
    pieces = []
    while length(word) > width and len(word) > 1:
        cut = max(1, next((n for n in range(len(word)) if length(word[: n + 1]) > width), 1))
        joint = max((n + 1 for n, sign in enumerate(word[:cut]) if sign in _JOINTS), default=0)
        cut = joint if joint > cut // 2 else cut
        pieces.append(word[:cut])
        word = word[cut:]
    return MARK.join([*pieces, word])
