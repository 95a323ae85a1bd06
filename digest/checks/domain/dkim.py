"""DKIM: whether receivers find the key that mails are signed with (RFC 6376, RFC 8301)."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.domain.answers import Book, Kind, shown
from digest.checks.domain.dkim_record import DkimRecord, read_dkim
from digest.checks.domain.subject import SigningKey, Way
from digest.checks.finding import Finding, error, note, warning, well

_LEAST_BITS, _GOOD_BITS = 1024, 2048


def examine_dkim(book: Book, way: Way) -> Iterator[Finding]:
    """The key Digest signs with; of others, what can be guessed at."""
    if way.key is not None:
        yield from _ours(book, way.key)
    elif way.relay is not None:
        what = "Digest does not sign, so the relay has to; whether it does cannot be seen in the DNS"
        yield note("DKIM", what, "send yourself a test and look for dkim=pass, or set up [providers.smtp.dkim]")
    elif way.signs_as is not None:
        yield from _theirs(book, way, way.signs_as)


def _ours(book: Book, key: SigningKey) -> Iterator[Finding]:
    where = f"DKIM key {key.name}"
    answer = book.ask(key.name, Kind.TXT)
    if not answer.known:
        yield warning(
            where, f"it could not be looked up: {answer.status}", "run `digest doctor` again; ask who keeps the name servers"
        )
    elif not answer.records:
        what = f"it is not published: {answer.status}; every signature fails"
        yield error(where, what, "publish the public half of providers.smtp.dkim.key_file there, or mend domain and selector")
    elif len(answer.records) > 1:
        yield error(where, f"there are {len(answer.records)} TXT records, and receivers take any of them", "leave one")
    else:
        yield from _judged(where, answer.records[0], key)


def _judged(where: str, text: str, key: SigningKey) -> Iterator[Finding]:
    try:
        record = read_dkim(text)
    except ValueError as wrong:
        yield error(where, f"the record does not parse: {wrong}, in {shown(text)}", "publish it anew")
        return
    faults = [*_unusable(where, record, key)]
    yield from faults
    bits = key.public.bits
    if bits < _GOOD_BITS and not faults:
        what = f"the key has {bits} bits" + (
            ", which receivers refuse" if bits < _LEAST_BITS else ", fewer than one should use today"
        )
        judge = error if bits < _LEAST_BITS else warning
        yield judge(where, what, "make one of 2048 bits, publish it under a new selector, then change the configuration")
    elif not faults:
        yield well(where, f"published, the right one, {bits} bits")
    if record.testing:
        yield warning(where, "it is marked as a test (t=y), so receivers may not heed it", "remove t=y when it works")


def _unusable(where: str, record: DkimRecord, key: SigningKey) -> Iterator[Finding]:
    if record.revoked:
        yield error(where, "it is revoked: its p is empty", "publish the key again, or sign under another selector")
    elif record.kind != "rsa":
        yield error(
            where,
            f"it is of the kind {shown(record.kind)}, and Digest signs by RSA",
            "publish the key of providers.smtp.dkim.key_file",
        )
    elif record.key != key.public:
        what = "it is another key than the one in providers.smtp.dkim.key_file; every signature fails"
        yield error(where, what, "publish the public half of that file, or name the right file and selector")
    if "sha256" not in record.hashes:
        yield error(where, "it does not allow sha256, by which Digest signs", "remove its h, or add sha256 to it")
    if not record.for_mail:
        yield error(where, "it is not for mail: its s leaves out email", "remove its s")


def _theirs(book: Book, way: Way, domain: str) -> Iterator[Finding]:
    """The usual selectors of a service. Which one it uses is known to it alone, so that nothing here is more than a note."""
    where = f"DKIM of {domain}"
    if not way.selectors:
        mend = f"see that {way.title} shows the domain as verified"
        yield note(where, f"{way.title} makes up its selectors, so the key cannot be looked for", mend)
        return
    found = []
    for selector in way.selectors:
        name = f"{selector}._domainkey.{domain}"
        for text in book.ask(name, Kind.TXT).records[:1]:
            found.append(selector)
            yield _of_service(f"DKIM key {name}", text)
    if not found:
        looked = ", ".join(way.selectors)
        what = f"no key under the usual selectors of {way.title} ({looked})"
        yield note(where, what, f"see that {way.title} shows the domain as verified")


def _of_service(where: str, text: str) -> Finding:
    try:
        record = read_dkim(text)
    except ValueError as wrong:
        return note(where, f"the record does not parse: {wrong}", "compare it with what the service shows")
    if record.revoked:
        return note(where, "it is revoked: its p is empty", "compare it with what the service shows")
    return well(where, "published" + (f", {record.key.bits} bits" if record.key else ""))
