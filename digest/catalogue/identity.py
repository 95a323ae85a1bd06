"""Identity: which entries of a reading are articles the catalogue knows, and which are new. Pure.

An article is known by its source's id, or else by its canonical URL; every name it ever had stays its own. Either may
change, not both at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digest.catalogue.article import Entry
from digest.catalogue.sources.port import Fault


@dataclass(frozen=True, slots=True)
class Match:
    """The entries of a reading told apart: `known` with the ids of their articles, `new` in the reading's order.

    `by_key` and `by_url` are the names they were matched by.
    """

    known: tuple[tuple[Entry, int], ...]
    new: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    by_key: Mapping[str, int]
    by_url: Mapping[str, int]


def match(entries: Iterable[Entry], by_key: Mapping[str, int], by_url: Mapping[str, int]) -> Match:
    """`by_key` and `by_url` say which article has a source's key and a canonical URL.

    An entry whose names lead to two articles, and one that is an article or has an address which another entry of the
    same reading has a better claim to, is a fault and changes nothing. A claim by id is better than one by address.
    """
    known: dict[int, Entry] = {}
    new: list[Entry] = []
    faults: list[Fault] = []
    taken: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.key not in by_key):
        key_of, url_of = by_key.get(entry.key), by_url.get(entry.canonical_url)
        article = url_of if key_of is None else key_of
        names = {f"id {entry.key}", f"address {entry.canonical_url}"}
        if key_of is not None and url_of is not None and key_of != url_of:
            faults.append(_torn(entry, key_of, url_of))
        elif names & taken or article in known:
            faults.append(_twice(entry))
        else:
            taken |= names
            if article is None:
                new.append(entry)
            else:
                known[article] = entry
    return Match(tuple((entry, article) for article, entry in known.items()), tuple(new), tuple(faults), by_key, by_url)


def _torn(entry: Entry, key_of: int, url_of: int) -> Fault:
    return Fault(
        f"article {key_of}",
        "url",
        f"has the id '{entry.key}', but its address {entry.canonical_url} is known as article {url_of}; nothing was changed, give one of them another address or id",
    )


def _twice(entry: Entry) -> Fault:
    return Fault(
        f"'{entry.key}'",
        "url",
        f"its id or address {entry.canonical_url} is, or was, that of another entry of this source; this one is left out, give it an address of its own",
    )
