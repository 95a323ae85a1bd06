"""BIMI: the logo that some mail programs show beside a mail (draft-brand-indicators-for-message-identification)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from digest.checks.domain.answers import Book, Kind, shown
from digest.checks.domain.dmarc import policy_of
from digest.checks.domain.dmarc_record import organisational_domain
from digest.checks.domain.tag_list import begins, read_tags
from digest.checks.finding import Finding, note, warning, well


def examine_bimi(book: Book, domain: str) -> Iterator[Finding]:
    """The record of the default selector; there need not be one, but one that is there should work."""
    names = dict.fromkeys((domain, organisational_domain(book, domain)))
    found = [(name, text) for name in names for text in _texts(book, name)]
    if not found:
        yield note(f"BIMI of {domain}", "there is no record; none is needed")
        return
    name, text = found[0]
    where = f"BIMI of {name}"
    try:
        tags = read_tags(text)
    except ValueError as wrong:
        yield warning(where, f"the record does not parse: {wrong}", "write it as v=BIMI1; l=https://…/logo.svg; a=")
        return
    faults = [*_faults(where, tags)]
    policy = policy_of(book, domain)
    if tags.get("l") and (policy is None or not policy.enforced):
        faults.append(
            warning(where, "no logo is shown while DMARC only watches", "go on to p=quarantine or p=reject, for every mail")
        )
    yield from faults or [well(where, tags.get("l") or "declined, as published")]


def _texts(book: Book, name: str) -> list[str]:
    return [text for text in book.ask(f"default._bimi.{name}", Kind.TXT).records if begins(text, "BIMI1")]


def _faults(where: str, tags: dict[str, str]) -> Iterator[Finding]:
    logo, evidence = tags.get("l"), tags.get("a", "")
    if logo is None:
        yield warning(where, "it has no l, which names the logo", "add l=https://…/logo.svg")
    elif logo and not _is_https(logo, ".svg"):
        yield warning(
            where, f"its logo {shown(logo)} is no https address of an SVG", "publish the logo as SVG Tiny PS behind https"
        )
    if evidence and not _is_https(evidence, ""):
        yield warning(
            where,
            f"its certificate {shown(evidence)} is no https address",
            "name the certificate's https address, or leave a empty",
        )
    elif logo and not evidence:
        yield note(where, "it names no mark certificate (a), so Gmail and Apple Mail show no logo")


def _is_https(url: str, ending: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() == "https" and bool(parts.netloc) and parts.path.lower().endswith(ending)
