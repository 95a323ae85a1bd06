"""Everything the DNS tells about a sender's domain, in the order in which it is told."""

from __future__ import annotations

from digest.checks.domain.answers import Book
from digest.checks.domain.bimi import examine_bimi
from digest.checks.domain.dkim import examine_dkim
from digest.checks.domain.dmarc import examine_dmarc
from digest.checks.domain.mail_exchangers import examine_exchangers
from digest.checks.domain.reverse_names import examine_reverse
from digest.checks.domain.spf import examine_spf
from digest.checks.domain.subject import Subject
from digest.checks.finding import Finding


def examine_domain(book: Book, subject: Subject) -> list[Finding]:
    """Every finding, as far as the book's answers go; it is complete when the book wants no more."""
    found: list[Finding] = []
    for way in subject.ways:
        found += examine_spf(book, subject.domain, way)
        found += examine_dkim(book, way)
    found += examine_dmarc(book, subject)
    found += examine_exchangers(book, subject)
    found += examine_bimi(book, subject.domain)
    for relay in dict.fromkeys(way.relay for way in subject.ways if way.relay is not None):
        found += examine_reverse(book, relay)
    return list(dict.fromkeys(found))
