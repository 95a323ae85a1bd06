"""Walking an SPF record: everything a receiver may have to look up for it, and what it says of an address (RFC 7208, 4.6.4).

Unlike a receiver, which stops at the first match, this goes all the way: the worst address is the one that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_network

from digest.checks.domain.answers import Answer, Book, Kind, Status, is_name, plain_name
from digest.checks.domain.spf_record import SpfRecord, Term, read_spf, spf_records

MOST_LOOKUPS = 10
MOST_VOIDS = 2
MOST_COUNTED = 40  # where a record of somebody's making is no longer followed
_MOST_HOSTS = 10

Address = IPv4Address | IPv6Address


class Result(StrEnum):
    """What a receiver makes of a record and an address (RFC 7208, 2.6), or that it cannot be told from here."""

    PASS = "pass"  # noqa: S105 - the word of the standard
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    BROKEN = "permerror"
    LATER = "temperror"
    UNTOLD = "untold"


_OF_QUALIFIER = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


@dataclass(slots=True)
class Walk:
    """One walk, for one address or for none in particular; `faults` break the record, `doubts` could not be looked up."""

    book: Book
    address: Address | None = None
    lookups: int = 0
    voids: int = 0
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    included: set[str] = field(default_factory=set)

    def check(self, domain: str, above: tuple[str, ...] = ()) -> Result:
        """What the record of `domain` says; `above` are the domains whose records led here."""
        domain = plain_name(domain)
        if domain in above:
            self._fault(f"it includes itself, by way of {' → '.join((*above[above.index(domain) :], domain))}")
            return Result.BROKEN
        answer = self.book.ask(domain, Kind.TXT)
        if not answer.known:
            self._doubt(answer, f"TXT of {domain}")
            return Result.LATER
        if above:
            self.voids += answer.void
        return self._read(domain, spf_records(answer.records), above)

    def _read(self, domain: str, texts: list[str], above: tuple[str, ...]) -> Result:
        if len(texts) != 1:
            if above:
                self._fault(
                    f"{above[-1]} refers to {domain}, which has {'no SPF record' if not texts else 'more than one SPF record'}"
                )
            return Result.BROKEN if texts or above else Result.NONE
        try:
            record = read_spf(texts[0])
        except ValueError as error:
            self._fault(f"the record of {domain} does not parse: {error}")
            return Result.BROKEN
        return self._terms(record, domain, (*above, domain))

    def _terms(self, record: SpfRecord, domain: str, above: tuple[str, ...]) -> Result:
        found: Result | None = None
        for term in record.terms:
            if self.lookups > MOST_COUNTED:
                return Result.BROKEN
            met = self._meets(term, domain, above)
            if found is None and isinstance(met, Result):
                found = met
            elif found is None and met:
                found = _OF_QUALIFIER[term.qualifier]
            if term.name == "all":
                return found or Result.NEUTRAL
        if record.redirect is not None:
            self.lookups += 1
            beyond = self._follow(record.redirect, above)
            found = found or beyond
        return found or Result.NEUTRAL

    def _meets(self, term: Term, domain: str, above: tuple[str, ...]) -> bool | Result:
        """Whether the address is one that the term means; a `Result` where that ends it."""
        if term.name in {"all", "ip4", "ip6"}:
            return term.name == "all" or (self.address is not None and self.address in term.network)
        self.lookups += 1
        if "%" in term.value or term.name in {"ptr", "exists"}:
            return Result.UNTOLD  # depends on the mail, or on names of the sender's choice
        if term.name == "include":
            self.included.add(plain_name(term.value))
            inner = self._follow(term.value, above)
            return inner if inner in {Result.BROKEN, Result.LATER, Result.UNTOLD} else inner is Result.PASS
        return self._is_at(term, term.value or domain)

    def _follow(self, domain: str, above: tuple[str, ...]) -> Result:
        if "%" in domain:
            return Result.UNTOLD
        return self.check(domain, above) if self.lookups <= MOST_COUNTED else Result.BROKEN

    def _is_at(self, term: Term, domain: str) -> bool | Result:
        hosts = [domain]
        if term.name == "mx":
            answer = self.book.ask(domain, Kind.MX)
            if not answer.known:
                self._doubt(answer, f"MX of {domain}")
                return Result.LATER
            self.voids += answer.void
            hosts = [record.partition(" ")[2] for record in answer.records]
            if len(hosts) > _MOST_HOSTS:
                self._fault(f"mx:{domain} leads to {len(hosts)} hosts, and receivers follow {_MOST_HOSTS}")
                return Result.BROKEN
        answers = [self.book.ask(host, kind) for host in hosts if is_name(plain_name(host)) for kind in self._kinds()]
        self.voids += term.name == "a" and bool(answers) and all(answer.void for answer in answers)
        for answer in answers:
            if not answer.known:
                self._doubt(answer, f"the addresses of {domain}")
        return any(self._within(record, term) for answer in answers for record in answer.records)

    def _kinds(self) -> tuple[Kind, ...]:
        if self.address is None:
            return (Kind.A, Kind.AAAA)
        return (Kind.A,) if isinstance(self.address, IPv4Address) else (Kind.AAAA,)

    def _within(self, found: str, term: Term) -> bool:
        length = term.lengths[0] if isinstance(self.address, IPv4Address) else term.lengths[1]
        return self.address is not None and self.address in ip_network(f"{found}/{length}", strict=False)

    def _fault(self, words: str) -> None:
        if words not in self.faults:
            self.faults.append(words)

    def _doubt(self, answer: Answer, what: str) -> None:
        words = f"{what}: {answer.status}"
        if answer.status is not Status.PENDING and words not in self.doubts:
            self.doubts.append(words)
