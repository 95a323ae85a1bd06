"""Reverse DNS of the relay: each public address has a name, and the name leads back to it (RFC 1912, 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from digest.catalogue.internet_address import refusal
from digest.checks.domain.answers import Book, Kind
from digest.checks.domain.spf import relay_addresses
from digest.checks.finding import Finding, warning, well

_MOST = 8


def examine_reverse(book: Book, relay: str) -> Iterator[Finding]:
    """Every public address of the relay; what is private has no name that others could look up."""
    for address in [one for one in relay_addresses(book, relay) if refusal(one) is None][:_MOST]:
        where = f"reverse DNS of {address}"
        answer = book.ask(ip_address(address).reverse_pointer, Kind.PTR)
        confirmed = [name for name in answer.records[:_MOST] if address in _addresses(book, name)]
        mend = "ask who runs the network of the relay for a name that leads back to it; without one, receivers refuse its mail"
        if not answer.known:
            yield warning(where, f"it could not be looked up: {answer.status}", "run `digest doctor` again")
        elif not answer.records:
            yield warning(where, f"{relay} has an address without a name", mend)
        elif not confirmed:
            yield warning(where, f"it is called {answer.records[0]}, which does not lead back to it", mend)
        else:
            yield well(where, f"{confirmed[0]}, and back")


def _addresses(book: Book, name: str) -> set[str]:
    return {str(ip_address(found)) for found in book.addresses(name)}
