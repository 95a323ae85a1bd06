"""An SPF record, read (RFC 7208, sections 4.5 and 4.6, 5 and 6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

_MECHANISM = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^\s]*))?((?:/\d{1,3})?(?://\d{1,3})?)", re.IGNORECASE
)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
_BARE = frozenset({"a", "mx", "ptr"})  # these mean the domain itself when they name none


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism. `value` is its domain, empty for the record's own; or its network. `lengths` are those of its prefixes."""

    qualifier: str
    name: str
    value: str
    lengths: tuple[int, int] = (32, 128)

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The network that an `ip4` or `ip6` names."""
        return ip_network(self.value, strict=False)

    def __str__(self) -> str:
        return f"{self.name}:{self.value}" if self.value else self.name


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """The mechanisms in their order, and where the record redirects to when none of them matches."""

    terms: tuple[Term, ...]
    redirect: str | None = None

    @property
    def last(self) -> Term | None:
        """The `all`, which ends a record: what stands behind it counts for nothing."""
        return next((term for term in self.terms if term.name == "all"), None)


def spf_records(texts: Iterable[str]) -> list[str]:
    """Those of a name's texts that are SPF records."""
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def read_spf(text: str) -> SpfRecord:
    """The record. Raises `ValueError` with the term that is none."""
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in text.split(" ")[1:]:
        if not word:
            continue
        modifier = _MODIFIER.fullmatch(word)
        if modifier is None:
            terms.append(_term(word))
        elif (name := modifier[1].lower()) in modifiers and name in {"redirect", "exp"}:
            raise ValueError(f"{name}= stands twice")
        else:
            modifiers[name] = modifier[2]
    if modifiers.get("redirect") == "":
        raise ValueError("redirect= names no domain")
    return SpfRecord(tuple(terms), modifiers.get("redirect"))


def _term(word: str) -> Term:
    match = _MECHANISM.fullmatch(word) if word.isascii() else None
    if match is None:
        raise ValueError(f"{word[:60]!r} is no term of SPF")
    name, value, prefix = match[2].lower(), match[3], match[4]
    if name in {"ip4", "ip6"}:
        return Term(match[1] or "+", name, _network(word, name, value, prefix))
    if (value is None and name not in {*_BARE, "all"}) or value == "" or (value is not None and name == "all"):
        raise ValueError(f"{word[:60]!r} is no term of SPF")
    domain, lengths = _with_lengths(word, name, value or "", prefix)
    return Term(match[1] or "+", name, domain, lengths)


def _network(word: str, name: str, value: str | None, prefix: str) -> str:
    try:
        network = ip_network(f"{value}{prefix}", strict=False)
    except ValueError:
        network = None
    if network is None or network.version != int(name[-1]):
        raise ValueError(f"{word[:60]!r} names no network")
    return str(network)


def _with_lengths(word: str, name: str, value: str, prefix: str) -> tuple[str, tuple[int, int]]:
    """The domain and the lengths of prefixes; these may have been read as the end of the domain."""
    if name not in {"a", "mx"} and not prefix:
        return value, (32, 128)  # a slash may stand in a macro
    found = re.fullmatch(r"([^/]*)(?:/(\d{1,3}))?(?://(\d{1,3}))?", value + prefix)
    if found is None or ((found[2] or found[3]) and name not in {"a", "mx"}):
        raise ValueError(f"{word[:60]!r} is no term of SPF")
    lengths = int(found[2] or 32), int(found[3] or 128)
    if lengths[0] > 32 or lengths[1] > 128:
        raise ValueError(f"{word[:60]!r} has a prefix that is too long")
    return found[1], lengths
