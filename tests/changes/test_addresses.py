"""Addresses as people paste them."""

import pytest

from governance.changes.addresses import is_address, key, read


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("a@x.example\nb@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example, b@x.example;c@x.example", ["a@x.example", "b@x.example", "c@x.example"]),
        ("a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("Ana Lopez <ana@x.example>", ["ana@x.example"]),
        ('"Lopez, Ana" <ana@x.example>', ["ana@x.example"]),
        ("A@X.example\na@x.example", ["A@X.example"]),
        ("  \n\n,;", []),
        ("somebody at home", ["somebody at home"]),
        ("", []),
    ],
)
def test_whatever_is_pasted_is_read(pasted, found):
    assert [one.text for one in read(pasted)] == found


def test_a_line_is_remembered():
    assert [(one.text, one.line) for one in read("\na@x.example\n\nb@x.example")] == [
        ("a@x.example", 2),
        ("b@x.example", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@x.example",
        "a b@x.example",
        "a@x.example\nBcc: b@x.example",
        "a@" + "x" * 300,
    ],
)
def test_what_is_no_address_is_known(text):
    assert not is_address(text)


def test_two_ways_to_write_one_address_are_one():
    assert key("\uff21na@X.example ") == key("ana@x.EXAMPLE")
