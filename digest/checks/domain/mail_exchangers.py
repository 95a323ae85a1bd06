"""MX: whether the sender's domain takes mail, as receivers expect of one that sends it (RFC 5321, 5; RFC 7505)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from digest.checks.domain.answers import Book, Kind
from digest.checks.domain.subject import Subject
from digest.checks.finding import Finding, error, warning, well

_MOST = 10


def examine_exchangers(book: Book, subject: Subject) -> Iterator[Finding]:
    """The sender's domain, and that of replies."""
    yield from _of(book, subject.domain, bounces=True)
    if subject.reply_domain is not None and subject.reply_domain != subject.domain:
        yield from _of(book, subject.reply_domain, bounces=False)


def _of(book: Book, domain: str, *, bounces: bool) -> Iterator[Finding]:
    where = f"MX of {domain}"
    lost = "bounces and answers are lost, and some receivers refuse its mail" if bounces else "replies are lost"
    answer = book.ask(domain, Kind.MX)
    hosts = sorted((int(number), host) for number, _, host in (record.partition(" ") for record in answer.records))
    if not answer.known:
        yield warning(
            where, f"it could not be looked up: {answer.status}", "run `digest doctor` again; ask who keeps the name servers"
        )
    elif not hosts:
        if book.addresses(domain):
            yield warning(
                where, "there is none, so mail goes to the domain's own address", "publish an MX record that names a mail server"
            )
        else:
            yield error(
                where, f"it has neither an MX record nor an address: {lost}", "publish an MX record that names a mail server"
            )
    elif any(not host for _, host in hosts):
        judge = warning if bounces else error
        yield judge(where, f"it says that it takes no mail (a null MX): {lost}", "send from a domain that takes mail")
    else:
        dead = [host for _, host in hosts[:_MOST] if not _answers(book, host)]
        for host in dead:
            yield warning(where, f"{host} has no address", "remove it, or mend its name")
        if not dead:
            yield well(where, ", ".join(host for _, host in hosts[:_MOST]))


def _answers(book: Book, host: str) -> bool:
    """Whether a host has an address. An address in the place of a name is none: receivers do not heed it."""
    try:
        ip_address(host)
    except ValueError:
        found = book.ask(host, Kind.A), book.ask(host, Kind.AAAA)
        return any(answer.records or not answer.known for answer in found)
    return False
