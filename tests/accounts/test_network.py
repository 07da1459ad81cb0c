"""Where a request comes from, whatever its headers say."""

import pytest
from django.test import RequestFactory

from governance.accounts.network import network_of


def asked(settings, *, trusted, **meta):
    settings.TRUST_PROXY = trusted
    return network_of(RequestFactory().get("/", **{"REMOTE_ADDR": "192.0.2.7", **meta}))


def test_a_header_is_not_believed_without_a_proxy_of_ours(settings):
    assert asked(settings, trusted=False, HTTP_X_FORWARDED_FOR="10.0.0.1") == "192.0.2.7"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("10.0.0.1, 198.51.100.9", "198.51.100.9"),
        ("nonsense, 198.51.100.9 ", "198.51.100.9"),
        ("198.51.100.9, nonsense", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.9", "198.51.100.9"),
    ],
)
def test_the_last_entry_is_what_our_proxy_wrote(settings, header, found):
    assert asked(settings, trusted=True, HTTP_X_FORWARDED_FOR=header) == found


def test_a_proxy_that_wrote_nothing_leaves_its_own_address(settings):
    assert asked(settings, trusted=True) == "192.0.2.7"


def test_one_customer_s_many_addresses_are_one(settings):
    first = asked(settings, trusted=False, REMOTE_ADDR="2001:db8:1:2::1")

    assert first == asked(settings, trusted=False, REMOTE_ADDR="2001:db8:1:2:ffff::9")
    assert first != asked(settings, trusted=False, REMOTE_ADDR="2001:db8:1:3::1")
