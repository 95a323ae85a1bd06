"""Collecting: raw entries of one source, cleaned one by one, told apart, and made a `Reading`.

Every source of ours ends here, and a plugin's may. One bad entry stops only itself; of two with the same id or the
same address the first is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from digest.catalogue.article import Entry
from digest.catalogue.articles_file import KEYS
from digest.catalogue.cleaning import clean_entry, clean_tag
from digest.catalogue.plain_text import one_line, shorten
from digest.catalogue.sources.port import Fault, Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

MAX_ENTRIES = 250_000
FAULTS_KEPT = 2_000
_UNKNOWN_KEYS_KEPT = 20


@dataclass(slots=True)
class _Collection:
    """What has been collected so far."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left_out: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)

    def note(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            if len(self.faults) < FAULTS_KEPT:
                self.faults.append(fault)
            else:
                self.left_out += 1

    def take(self, entry: Entry, place: str) -> None:
        """The entry, unless an earlier one has its id or its address."""
        if (earlier := self.keys.get(entry.key)) is not None and entry.key != entry.canonical_url:
            self.note([Fault(place, "id", f"is the id of {earlier} already; this one is left out")])
        elif (earlier := self.addresses.get(entry.canonical_url)) is not None:
            self.note([Fault(place, "url", f"is the address of {earlier} already; this one is left out")])
        else:
            self.keys[entry.key] = self.addresses[entry.canonical_url] = place
            self.entries.append(entry)


def collect(
    raws: Iterable[object],
    settings: SourceSettings,
    context: SourceContext,
    *,
    faults: Iterable[Fault] = (),
    latest_only: bool = False,
    places: Sequence[str] | None = None,
) -> Reading:
    """The reading of `raws`, objects as in articles.json. `faults` come first; `places` name the entries, by default by number."""
    collection = _Collection(faults=list(faults))
    tags = tuple(clean_tag(tag) for tag in settings.tags)
    for index, raw in enumerate(raws):
        if index == MAX_ENTRIES:
            raise Unreachable(f"there are more than {MAX_ENTRIES:,} entries; split the source")
        place = f"entry {index}" if places is None else places[index]
        entry, found = clean_entry(raw, place, context.timezone)
        collection.note(found)
        if isinstance(raw, Mapping) and not raw.keys() <= KEYS:
            collection.unknown.update(str(key)[:200] for key in raw.keys() - KEYS)
        if entry is not None:
            collection.take(_tagged(entry, tags), place)
    return Reading(tuple(collection.entries), (*collection.faults, *_summaries(collection)), latest_only)


def _tagged(entry: Entry, tags: tuple[str, ...]) -> Entry:
    return replace(entry, tags=tuple(dict.fromkeys(entry.tags + tags))) if tags else entry


def _summaries(collection: _Collection) -> Iterable[Fault]:
    """What is said once for all entries: unknown keys, and how many faults were not listed."""
    for key, count in collection.unknown.most_common(_UNKNOWN_KEYS_KEPT):
        entries = "1 entry" if count == 1 else f"{count:,} entries"
        name = shorten(one_line(key), 60)
        yield Fault(
            entries, name, f"is no key of an article and is left out; the keys are {', '.join(sorted(KEYS))}", error=False
        )
    if collection.left_out:
        yield Fault("further entries", "", f"{collection.left_out:,} more faults, not listed here; put these right first")
