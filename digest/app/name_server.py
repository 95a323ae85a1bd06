"""Asking the name server: each question within a time, all of them within another.

The one place where the doctor touches the DNS. Long answers come over TCP, as the protocol wants it.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rdata import Rdata

from digest.checks.domain.answers import Answer, Book, Kind, Question, Status
from digest.checks.finding import Finding
from digest.errors import Unreachable, UsageError

_AT_ONCE = 8
_MOST_LINKS = 4  # of a chain of CNAMEs that the server leaves to us


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for one try, for one question with its tries, for all of them."""

    a_try: float = 2.0
    a_question: float = 5.0
    everything: float = 40.0


class NameServer:
    """A name server: the system's, or the one at an address and port."""

    def __init__(self, at: tuple[str, int] | None = None, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._resolver = _resolver(at)
        self._resolver.timeout = self.patience.a_try
        self._resolver.lifetime = self.patience.a_question
        self.shown = f"{at[0]} port {at[1]}" if at else ", ".join(str(server) for server in self._resolver.nameservers)

    def consult(self, examine: Callable[[Book], list[Finding]]) -> list[Finding]:
        """What `examine` finds when it has every answer it wants. `Unreachable` when the server answers nothing at all."""
        ends = time.monotonic() + self.patience.everything
        answers: dict[Question, Answer] = {}
        while True:
            book = Book(answers)
            found = examine(book)
            if not book.wanted:
                return found
            fresh = self._ask_all(book.wanted, ends)
            answers |= fresh
            if all(answer.status is Status.SILENT for answer in answers.values()):
                raise Unreachable(
                    f"the name server {self.shown} does not answer; see that this machine may ask it, or name one by --nameserver"
                )

    def resolve(self, host: str, _port: int) -> list[str]:
        """The addresses of a host, for whoever connects to it; an address is its own. `OSError` as the system's resolver."""
        if host.replace(".", "").isdigit() or ":" in host:
            return [host]
        found: list[str] = []

        def look(book: Book) -> list[Finding]:
            found[:] = book.addresses(host)
            return []

        try:
            self.consult(look)
        except Unreachable as error:
            raise OSError(str(error)) from None
        return found

    def _ask_all(self, questions: Collection[Question], ends: float) -> dict[Question, Answer]:
        ordered = sorted(questions)
        with ThreadPoolExecutor(_AT_ONCE, "names") as pool:
            return dict(zip(ordered, pool.map(lambda question: self._ask(question, ends), ordered), strict=True))

    def _ask(self, question: Question, ends: float) -> Answer:
        name, kind = question
        for _ in range(_MOST_LINKS):
            left = min(self.patience.a_question, ends - time.monotonic())
            if left <= 0:
                return Answer(Status.SILENT)
            answer, target = _asked(self._resolver, name, kind, left)
            if target is None:
                return answer
            name = target
        return Answer(Status.FAILED)


def _asked(resolver: dns.resolver.Resolver, name: str, kind: Kind, seconds: float) -> tuple[Answer, str | None]:
    """The answer; and, where the name is another's alias and the server did not follow it, that other name."""
    asked = dns.name.from_text(name)
    try:
        found = resolver.resolve(asked, kind.value, lifetime=seconds, search=False, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return Answer(Status.ABSENT), None
    except dns.resolver.NoNameservers as error:
        heard = any(response is not None for *_, response in error.kwargs["errors"])
        return Answer(Status.FAILED if heard else Status.SILENT), None
    except dns.exception.Timeout:
        return Answer(Status.SILENT), None
    except (dns.exception.DNSException, OSError):
        return Answer(Status.FAILED), None
    if found.rrset is None:
        target = found.canonical_name
        return Answer(Status.EMPTY), None if target == asked else target.to_text(omit_final_dot=True)
    return Answer(Status.FOUND, tuple(sorted(_text(kind, record) for record in found.rrset))), None


def _text(kind: Kind, record: Rdata) -> str:
    if kind is Kind.TXT:
        return b"".join(record.strings).decode("utf-8", "replace")  # type: ignore[attr-defined] # of a TXT
    if kind is Kind.MX:
        return f"{record.preference} {_name(record.exchange)}"  # type: ignore[attr-defined] # of an MX
    return _name(record.target) if kind is Kind.PTR else record.to_text()  # type: ignore[attr-defined] # of a PTR


def _name(name: dns.name.Name) -> str:
    return name.to_text().rstrip(".").lower()


def _resolver(at: tuple[str, int] | None) -> dns.resolver.Resolver:
    if at is None:
        try:
            return dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            raise Unreachable("this machine has no name server configured; name one by --nameserver") from None
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [at[0]], at[1]
    return resolver


def read_server(text: str) -> tuple[str, int]:
    """`ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT` as an address and a port; `UsageError` for anything else."""
    match = re.fullmatch(r"\[([^\]]*)\](?::(\d{1,5}))?|([^:]*)(?::(\d{1,5}))?|(.*)", text.strip())
    host = "" if match is None else match[1] or match[3] or match[5] or ""
    port = int((match and (match[2] or match[4])) or 53)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not 0 < port < 65536:
        raise UsageError(
            f"--nameserver: {text!r} is no address of a name server; write it as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"
        )
    return str(address), port
