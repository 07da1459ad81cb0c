"""Paging by cursor: every row once, in order, both ways; a bad cursor is the first page."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.core import cursor
from governance.inventory.models import Person
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db

ORDERS = [
    ("email", "id"),
    ("-email", "id"),
    ("two_factor", "-first_seen_at", "id"),
    ("-first_seen_at", "-id"),
]


@pytest.fixture
def people():
    """Eleven people, of whom several share an address, a 2FA and a moment."""
    found = []
    for number in range(11):
        moment = found[0].first_seen_at if number % 3 == 0 and found else None
        found.append(
            PersonFactory(
                email=f"{number % 4}@example.com",
                two_factor=["on", "off", "unknown"][number % 3],
                **({"first_seen_at": moment} if moment else {}),
            )
        )
    return found


def walk(order, size):
    """All pages forward."""
    pages, after = [], None
    while True:
        slice_ = cursor.paginate(Person.objects.all(), *order, after=after, size=size)
        pages.append(slice_)
        after = slice_.after
        if after is None:
            return pages


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 3, 10, 11, 12])
def test_it_shows_every_row_once_and_in_order(people, order, size):
    pages = walk(order, size)

    assert [row.pk for page in pages for row in page.rows] == list(
        Person.objects.order_by(*order).values_list("pk", flat=True)
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 3, 10])
def test_it_goes_back_the_way_it_came(people, order, size):
    forward = walk(order, size)

    backward = [forward[-1]]
    while backward[-1].before:
        backward.append(
            cursor.paginate(Person.objects.all(), *order, before=backward[-1].before, size=size)
        )

    seen = [row.pk for page in reversed(backward) for row in page.rows]
    assert seen == [row.pk for page in forward for row in page.rows]
    assert backward[-1].before is None


def test_the_first_page_has_nothing_before_and_the_last_nothing_after(people):
    pages = walk(("email", "id"), 4)

    assert [(page.before is None, page.after is None) for page in pages] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert cursor.paginate(Person.objects.all(), "id", size=11).is_whole


def test_it_also_pages_through_values_and_annotations(people):
    rows = Person.objects.values("id", "email", "two_factor")

    first = cursor.paginate(rows, "two_factor", "id", size=6)
    second = cursor.paginate(rows, "two_factor", "id", after=first.after, size=6)

    assert [row["id"] for row in first.rows + second.rows] == list(
        Person.objects.order_by("two_factor", "id").values_list("id", flat=True)
    )


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "%%%",
        "a" * 5000,
        cursor.encode([]),
        cursor.encode(["only one"]),
        cursor.encode(["a", "not a uuid"]),
        cursor.encode(["a\0b", "00000000-0000-0000-0000-000000000000"]),
        cursor.encode([["a"], "00000000-0000-0000-0000-000000000000"]),
        cursor.encode([None, None]),
        cursor.encode([2**80, "00000000-0000-0000-0000-000000000000", 1]),
    ],
)
@pytest.mark.parametrize("side", ["after", "before"])
def test_a_cursor_that_is_none_gives_the_first_page(people, bad, side):
    slice_ = cursor.paginate(Person.objects.all(), "email", "id", size=3, **{side: bad})

    assert slice_.before is None
    assert slice_.rows == list(Person.objects.order_by("email", "id")[:3])


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.decode("latin1")))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_it(db, text):
    cursor.paginate(Person.objects.all(), "-first_seen_at", "id", after=text, before=text, size=3)


@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=True)
        | st.text(max_size=20),
        max_size=4,
    )
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cursor_of_our_own_shape_breaks_it(db, values):
    cursor.paginate(
        Person.objects.all(), "-first_seen_at", "id", after=cursor.encode(values), size=3
    )
