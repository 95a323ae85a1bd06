"""DMARC records, found and read: the walk up the tree of names finds the organisational domain (RFC 9989, 4.10)."""

from __future__ import annotations

from dataclasses import dataclass

from digest.checks.domain.answers import Answer, Book, Kind
from digest.checks.domain.tag_list import begins, read_tags

_MOST_STEPS = 8
POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Published:
    """What stands at `_dmarc.DOMAIN`."""

    domain: str
    answer: Answer

    @property
    def texts(self) -> tuple[str, ...]:
        """The DMARC records among the texts."""
        return tuple(text for text in self.answer.records if begins(text, "DMARC1"))

    @property
    def tags(self) -> dict[str, str] | None:
        """The record's tags; None when there is none, or more than one, or it does not parse: then it counts for nothing."""
        if len(self.texts) != 1:
            return None
        try:
            return read_tags(self.texts[0])
        except ValueError:
            return None


def walk_up(book: Book, domain: str) -> list[Published]:
    """What stands at a domain and at each one above it, the domain first. Long names are cut to seven labels after the first."""
    labels = domain.split(".")
    names = [domain]
    above = labels[1:] if len(labels) <= _MOST_STEPS else labels[-(_MOST_STEPS - 1) :]
    names += [".".join(above[start:]) for start in range(len(above))]
    return [Published(name, book.ask(f"_dmarc.{name}", Kind.TXT)) for name in names]


def organisational_domain(book: Book, domain: str) -> str:
    """The domain whose owner a domain belongs to, as DMARC's tree walk finds it; the domain itself where there is no record."""
    found = domain
    walked = walk_up(book, domain)
    for step, published in enumerate(walked):
        tags = published.tags
        if tags is None:
            continue
        if tags.get("psd", "").lower() == "n":
            return published.domain
        if tags.get("psd", "").lower() == "y" and step > 0:
            return walked[step - 1].domain
        found = published.domain
    return found
