"""A token that was sealed is read by the holder of the private key, and by nobody else."""

import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.connections import sealing

TOKEN = "tk-us-" + "canary" * 6
PUBLIC, PRIVATE = sealing.make_keys()


def test_the_private_key_opens_what_the_public_key_sealed():
    assert sealing.open_sealed(sealing.seal(TOKEN, PUBLIC), PRIVATE) == TOKEN


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_comes_back_as_it_was(secret):
    assert sealing.open_sealed(sealing.seal(secret, PUBLIC), PRIVATE) == secret


def test_the_box_shows_nothing_of_the_token_and_is_never_twice_the_same():
    boxes = {sealing.seal(TOKEN, PUBLIC) for _ in range(50)}

    assert len(boxes) == 50
    assert not any(b"canary" in box for box in boxes)


def test_another_key_does_not_open_it():
    _, other = sealing.make_keys()

    with pytest.raises(sealing.CannotOpen):
        sealing.open_sealed(sealing.seal(TOKEN, PUBLIC), other)


def test_the_public_key_in_place_of_the_private_one_does_not_open_it():
    with pytest.raises(sealing.CannotOpen):
        sealing.open_sealed(sealing.seal(TOKEN, PUBLIC), PUBLIC)


def test_a_box_sealed_for_one_purpose_does_not_open_for_another():
    box = sealing.seal(TOKEN, PUBLIC, purpose="a webhook's secret")

    with pytest.raises(sealing.CannotOpen):
        sealing.open_sealed(box, PRIVATE)
    assert sealing.open_sealed(box, PRIVATE, purpose="a webhook's secret") == TOKEN


def test_one_changed_bit_anywhere_is_noticed():
    box = sealing.seal(TOKEN, PUBLIC)

    for place in range(len(box) * 8):
        damaged = bytearray(box)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(sealing.CannotOpen):
            sealing.open_sealed(bytes(damaged), PRIVATE)


@pytest.mark.parametrize("length", range(60))
def test_a_box_cut_short_is_not_opened(length):
    with pytest.raises(sealing.CannotOpen):
        sealing.open_sealed(sealing.seal(TOKEN, PUBLIC)[:length], PRIVATE)


def test_an_older_key_still_opens_its_boxes_beside_the_newest():
    newer_public, newer_private = sealing.make_keys()
    both = f"{newer_private}, {PRIVATE}"

    assert sealing.open_sealed(sealing.seal(TOKEN, PUBLIC), both) == TOKEN
    assert sealing.open_sealed(sealing.seal(TOKEN, newer_public), both) == TOKEN
    assert sealing.public_key_of(both) == newer_public
    assert sealing.is_sealed_for(sealing.seal(TOKEN, newer_public), newer_public)
    assert not sealing.is_sealed_for(sealing.seal(TOKEN, PUBLIC), newer_public)


@pytest.mark.parametrize(
    "key",
    ["", "short", "a" * 42 + "!", "é" * 32, pytest.param(PUBLIC + "AAAA", id="too long"), " , "],
)
def test_a_key_that_is_none_is_refused_without_being_shown(key):
    box = sealing.seal(TOKEN, PUBLIC)

    for use in (lambda: sealing.seal(TOKEN, key), lambda: sealing.open_sealed(box, key)):
        with pytest.raises(sealing.BadKey) as caught:
            use()
        assert len(key.strip(", ")) < 2 or key not in str(caught.value)


def test_a_public_key_of_low_order_is_refused():
    with pytest.raises(sealing.BadKey):
        sealing.seal(TOKEN, "A" * 43)


def test_no_error_shows_the_token_or_a_key():
    box = bytearray(sealing.seal(TOKEN, PUBLIC))
    box[-1] ^= 1

    with pytest.raises(sealing.CannotOpen) as caught:
        sealing.open_sealed(bytes(box), PRIVATE)

    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert TOKEN not in shown
    assert PRIVATE not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
