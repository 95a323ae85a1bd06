"""Origin: the network that a request came from, which is all that is kept of its address."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, ip_address, ip_network

_KEPT_OF_4, _KEPT_OF_6 = 24, 48
# An import reads one for each of a million people, and `ipaddress` takes thirty times as long.
_PLAIN = re.compile(r"((?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3})(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)", re.ASCII)


def network_of(address: str | None) -> str | None:
    """The network around an internet address, such as `192.0.2.0/24` or `2001:db8:7::/48`; None where it is no address."""
    plain = _PLAIN.fullmatch(address or "")
    if plain:
        return f"{plain[1]}0/24"
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network((found, _KEPT_OF_4 if isinstance(found, IPv4Address) else _KEPT_OF_6), strict=False))
