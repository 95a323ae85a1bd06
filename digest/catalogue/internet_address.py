"""Which internet addresses may be connected to: public ones, and private ones where it was configured so."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ip_network("2000::/3")
_NEVER_4 = tuple(map(ip_network, ("0.0.0.0/8", "169.254.0.0/16", "192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4")))
_SPECIAL_4 = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
        ),
    )
)
_PRIVATE_6 = tuple(map(ip_network, ("::1/128", "fc00::/7")))
# Tunnels (Teredo, 6to4), benchmarks, ORCHID, documentation: within the global space, and nobody's web server.
_NEVER_6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


def refusal(text: str, *, allow_private: bool = False) -> str | None:
    """Why `text`, an IP address, must not be connected to; None when it may.

    `allow_private` lets in private, shared and loopback addresses; link-local, multicast and reserved ones never
    pass, nor does an address that carries an IPv4 one which would not (mapped, NAT64).
    """
    try:
        address = ip_address(text)
    except ValueError:
        return "is not an IP address"
    if isinstance(address, IPv6Address):
        embedded = _embedded(address)
        return _refusal_6(address, allow_private) if embedded is None else _refusal_4(embedded, allow_private)
    return _refusal_4(address, allow_private)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address a packet to `address` ends at."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def _refusal_4(address: IPv4Address, allow_private: bool) -> str | None:
    if any(address in network for network in _NEVER_4):
        return "is link-local, multicast or reserved"
    if any(address in network for network in _SPECIAL_4) or not address.is_global:
        return None if allow_private else "is private or loopback"
    return None


def _refusal_6(address: IPv6Address, allow_private: bool) -> str | None:
    if address.scope_id is None and any(address in network for network in _PRIVATE_6):
        return None if allow_private else "is private or loopback"
    if address.scope_id is not None or address not in _GLOBAL_UNICAST or any(address in network for network in _NEVER_6):
        return "is link-local, multicast or reserved"
    return None
