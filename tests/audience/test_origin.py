"""What is kept of an internet address."""

from __future__ import annotations

import pytest

from digest.audience.origin import network_of


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:7:8::1", "2001:db8:7::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", None),
        ("", None),
        (None, None),
    ],
)
def test_the_last_part_of_an_address_is_not_kept(address: str | None, kept: str | None) -> None:
    assert network_of(address) == kept
