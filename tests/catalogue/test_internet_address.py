"""Which internet addresses may be connected to."""

from __future__ import annotations

import pytest

from digest.catalogue.internet_address import refusal

PUBLIC = ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
PRIVATE = [
    "127.0.0.1",
    "127.255.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "::",
    "::127.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "::1%lo",
    "fec0::1",
    "ff02::1",
    "2002:7f00:1::",
    "2002:101:101::1",
    "2001::1",
    "2001:db8::1",
    "64:ff9b:1::1",
    "::ffff:0:127.0.0.1",
    "::ffff:169.254.169.254",
    "100::1",
    "3fff::1",
    "localhost",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert refusal(address) is None
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_pass_only_where_it_was_configured(address: str) -> None:
    assert refusal(address) == "is private or loopback"
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_link_local_multicast_and_reserved_addresses_never_pass(address: str) -> None:
    assert refusal(address)
    assert refusal(address, allow_private=True)
