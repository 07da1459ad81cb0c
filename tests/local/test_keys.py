"""The keys of one machine: made once, private, and never two that do not fit."""

import pytest

from governance.connections import sealing
from governance.local import keys


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch):
    sealing_keys = ("SEALING_PUBLIC_KEY", "SEALING_PRIVATE_KEY")
    for name in ("SECRET_KEY", *sealing_keys, "AUDIT_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_they_are_made_once_and_kept(tmp_path):
    assert keys.find_or_make(tmp_path) == keys.find_or_make(tmp_path)


def test_nobody_else_may_read_them(tmp_path):
    keys.find_or_make(tmp_path)

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    kept = ("secret-key", "sealing-private-key", "audit-signing-key")
    assert modes == dict.fromkeys(kept, 0o600)


def test_what_the_public_key_seals_the_private_key_opens(tmp_path):
    found = keys.find_or_make(tmp_path)

    box = sealing.seal("a token", found.sealing_public)

    assert sealing.open_sealed(box, found.sealing_private) == "a token"


def test_keys_of_the_environment_come_first_and_are_not_written_down(tmp_path, monkeypatch):
    public, private = sealing.make_keys()
    monkeypatch.setenv("SEALING_PRIVATE_KEY", private)
    monkeypatch.setenv("AUDIT_SIGNING_KEY", "of the environment")

    found = keys.find_or_make(tmp_path)

    assert (found.sealing_public, found.sealing_private) == (public, private)
    assert found.audit_signing == "of the environment"
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_a_damaged_key_is_an_error_and_not_replaced(tmp_path):
    keys.find_or_make(tmp_path)
    (tmp_path / "sealing-private-key").write_text("half a k")

    with pytest.raises(sealing.BadKey):
        keys.find_or_make(tmp_path)
    assert (tmp_path / "sealing-private-key").read_text() == "half a k"


def test_the_private_keys_are_not_in_the_repr(tmp_path):
    found = keys.find_or_make(tmp_path)

    assert found.secret_key not in repr(found)
    assert found.sealing_private not in repr(found)
    assert found.audit_signing not in repr(found)
