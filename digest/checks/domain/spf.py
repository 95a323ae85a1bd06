"""SPF: who may use the domain in the envelope (RFC 7208)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from digest.catalogue.internet_address import refusal
from digest.checks.domain.answers import Answer, Book, Kind, shown
from digest.checks.domain.spf_record import SpfRecord, read_spf, spf_records
from digest.checks.domain.spf_walk import MOST_COUNTED, MOST_LOOKUPS, MOST_VOIDS, Result, Walk
from digest.checks.domain.subject import Way
from digest.checks.finding import Finding, error, note, warning, well

_LOST = {Result.FAIL, Result.SOFTFAIL}


def examine_spf(book: Book, sender: str, way: Way) -> Iterator[Finding]:
    """Everything about the SPF record that this way's mails are judged by."""
    domain = way.return_path or sender
    where = f"SPF of {domain}"
    answer = book.ask(domain, Kind.TXT)
    if not answer.known:
        yield warning(
            where, f"it could not be looked up: {answer.status}", "run `digest doctor` again; ask who keeps the name servers"
        )
        return
    texts = spf_records(answer.records)
    if len(texts) != 1:
        yield _not_one(where, texts, answer, way)
        return
    try:
        record = read_spf(texts[0])
    except ValueError as wrong:
        yield error(
            where, f"the record does not parse: {wrong}, in {shown(texts[0])}", "mend the term; until then SPF counts as broken"
        )
        return
    walk = Walk(book)
    walk.check(domain)
    found = [*_looked_up(where, walk), *_ending(where, record), *_needed(where, way, walk)]
    yield from found or [well(where, f"{shown(texts[0])}, {walk.lookups} of {MOST_LOOKUPS} look-ups")]
    if way.relay is not None and not walk.faults:
        yield from _authorised(book, domain, way.relay)
    if way.usual_return_path is not None:
        yield _usual(book, way.usual_return_path, way.title)


def _not_one(where: str, texts: list[str], answer: Answer, way: Way) -> Finding:
    if texts:
        return error(where, f"there are {len(texts)} records, so receivers heed none", "join them into one")
    nothing = "there is no record" + ("" if answer.records or not answer.void else f": {answer.status}")
    wanted = f"include:{way.include}" if way.include else "a mx" if way.relay else ""
    example = '"' + " ".join(word for word in ("v=spf1", wanted, "~all") if word) + '"'
    if way.return_path is not None:
        return error(where, nothing, f"publish a TXT record there, such as {example}, that names whoever sends for it")
    if way.signs_as is None:
        return warning(where, nothing, f"publish one, such as {example}, that names whoever sends for it")
    return warning(
        where,
        f"{nothing}; {way.title} has a return path of its own, so DKIM has to carry DMARC",
        f"publish one, such as {example}",
    )


def _looked_up(where: str, walk: Walk) -> Iterator[Finding]:
    for fault in walk.faults[:3]:
        yield error(where, fault, "mend or remove that term; until then SPF counts as broken")
    if walk.lookups > MOST_LOOKUPS:
        many = walk.lookups if walk.lookups <= MOST_COUNTED else f"more than {MOST_COUNTED}"
        what = f"it wants {many} look-ups, and receivers give up after {MOST_LOOKUPS}"
        yield error(where, what, "remove what is no longer used, or name networks by ip4: and ip6:")
    if walk.voids > MOST_VOIDS:
        what = f"{walk.voids} of its look-ups lead to nothing, and receivers may give up after {MOST_VOIDS}"
        yield warning(where, what, "remove the terms whose domains are gone")
    for doubt in walk.doubts[:3]:
        yield warning(
            where, f"it could not be followed whole: {doubt}", "run `digest doctor` again; if it stays so, remove that term"
        )


def _ending(where: str, record: SpfRecord) -> Iterator[Finding]:
    last = record.last
    if any(term.name == "ptr" for term in record.terms):
        yield warning(where, "it uses ptr, which receivers are told not to heed", "name hosts by a:, ip4: or ip6:")
    if last is None:
        if record.redirect is None:
            yield warning(where, "it has no all at its end, so nobody is excluded", "end it with ~all or -all")
    elif last.qualifier == "+":
        yield error(
            where, "it ends in +all: anybody may send in your name, and receivers distrust that", "end it with ~all or -all"
        )
    elif last.qualifier == "?":
        yield warning(where, "it ends in ?all, which excludes nobody", "end it with ~all or -all")


def _needed(where: str, way: Way, walk: Walk) -> Iterator[Finding]:
    if way.include is None or way.include in walk.included or walk.faults or walk.doubts:
        return
    unless = " (not needed where its return path is a name of its own below yours)" if way.return_path is None else ""
    yield warning(where, f"it does not include {way.include}, by which {way.title} sends{unless}", f"add include:{way.include}")


def _authorised(book: Book, domain: str, relay: str) -> Iterator[Finding]:
    """Whether the relay's own addresses pass. It may hand mails on to other hosts, so this is no more than a warning."""
    addresses = relay_addresses(book, relay)
    public = [address for address in addresses if refusal(address) is None]
    where = f"SPF of {domain} for {relay}"
    if addresses and not public:
        yield note(where, "the relay is on this machine or in a private network: from which address mails go on is not seen here")
    results = {address: Walk(book, ip_address(address)).check(domain) for address in public}
    for address, result in results.items():
        if result in _LOST:
            mend = f"add ip{ip_address(address).version}:{address}, or what your relay's operator says, unless it hands mails on to others"
            yield warning(where, f"its address {address} is not authorised ({result})", mend)
        elif result is not Result.PASS:
            yield note(where, f"whether its address {address} is authorised cannot be told from here ({result})")
    if results and all(result is Result.PASS for result in results.values()):
        yield well(where, f"authorised: {', '.join(results)}")


def _usual(book: Book, name: str, title: str) -> Finding:
    where = f"return path {name}"
    if spf_records(book.ask(name, Kind.TXT).records):
        return well(where, f"{title}'s usual return path is there and has an SPF record")
    return note(where, f"{title}'s usual return path is not there: unless you chose another, SPF does not align and DKIM has to")


def relay_addresses(book: Book, relay: str) -> tuple[str, ...]:
    """The addresses of a relay that is named or given by its address."""
    host = relay.strip("[]")
    try:
        return (str(ip_address(host)),)
    except ValueError:
        return ("127.0.0.1",) if host.lower().rstrip(".") == "localhost" else book.addresses(host)
