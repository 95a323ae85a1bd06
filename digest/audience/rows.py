"""Rows: what a file of people says, whatever tool wrote it; its format is told by its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from digest.audience.csv_file import Layout, possible_layouts, read_header
from digest.audience.elsewhere.format import Format
from digest.audience.elsewhere.formats import FORMATS, OWN, named, recognise
from digest.audience.elsewhere.reading import How, NoList, Reader, Understood, shut_out
from digest.audience.elsewhere.standing import Standing
from digest.audience.records import Records
from digest.audience.suppression import Shut
from digest.audience.text_file import TextFile
from digest.audience.wish import Offer, Wish, choose_in_bulk, make_leaver, make_wish
from digest.errors import UsageError

Row = Wish | Shut | None
"""A wish (or the leaving of one), somebody who must not be mailed, or somebody who is not taken in."""

Reject = Callable[[str, int, str, str], None]
"""Told of a bad row: its file, line, the reason, and the row as it was."""

_CONFIRMED = {"yes": True, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose header was read: what was made of it so far, and its rows."""

    understood: Understood
    rows: Iterator[Row]


def open_rows(file: TextFile, offer: Offer, titles: Mapping[str, str], how: How, reject: Reject, *, now: datetime) -> Opened:
    """Read a file's header; a `UsageError` says what is wrong with it. `titles` are the topics' titles, by their slugs."""
    records = Records(file.lines)
    number, header = _header(records)
    try:
        found = _format(header, how)
        if found is None:
            return _own(file, records, read_header(header), offer, how, reject)
        form, layout = found
        records.delimiter = layout.delimiter
        reader = Reader(form, layout.columns, file.name, offer, titles, how, now)
    except UsageError as error:
        raise type(error)(f"line {number}: {error}") from None
    used = reader.used()
    unused = tuple(column for column in layout.columns if column and column not in used)
    told = Understood(file.name, form.name, _encoding(file), layout.delimiter, used, unused, topics=reader.topics)
    return Opened(told, _foreign_rows(records, layout, reader, told, reject))


def _header(records: Records) -> tuple[int, str]:
    for number, text in records:
        text = text.strip("\ufeff \r\n")
        if text.strip() and not text.lower().strip('"').startswith("sep="):  # which Excel writes for itself
            return number, text
    raise NoList("the file is empty: its first line must be the header, of which only email is required")


def _format(header: str, how: How) -> tuple[Format, Layout] | None:
    """Another tool's format, and how its file is laid out; None where it is ours."""
    if how.format == OWN:
        return None
    layouts = possible_layouts(header)
    if how.format is not None:
        return named(how.format), max(layouts, key=lambda one: len(one.columns))
    for layout in layouts:
        found = recognise(frozenset(layout.columns))
        if found is not None:
            return found, layout
    try:
        read_header(header)
    except UsageError as error:
        known = ", ".join(one.title for one in FORMATS)
        raise NoList(f"{error}; nor is it an export of {known} by its columns (--format names one)") from None
    return None


def _own(file: TextFile, records: Records, layout: Layout, offer: Offer, how: How, reject: Reject) -> Opened:
    if how.topics_from or how.mapping:
        raise UsageError("--topics-from and --map are for other tools' exports: a file of ours names topics in its column topics")
    if how.confirmed:
        raise UsageError("--confirmed is for other tools' exports: a file of ours says it in its column confirmed")
    used = {column: "e-mail address" if column == "email" else column for column in layout.columns}
    told = Understood(file.name, OWN, _encoding(file), layout.delimiter, used, ())
    return Opened(told, _own_rows(records, layout, offer, how, file.name, reject))


def _own_rows(records: Records, layout: Layout, offer: Offer, how: How, file: str, reject: Reject) -> Iterator[Row]:
    for number, line in records.lines():
        try:
            cells = layout.cells(line)
            if cells is not None:
                yield _row(cells, offer, how.status)
        except UsageError as error:
            reject(file, number, str(error), line)


def _foreign_rows(records: Records, layout: Layout, reader: Reader, told: Understood, reject: Reject) -> Iterator[Row]:
    for number, text in records:
        try:
            values = layout.values(text)
            if values is not None:
                yield reader.read(values, told)
        except UsageError as error:
            reject(told.file, number, str(error), text)


def _row(cells: Mapping[str, str], offer: Offer, status: Standing | None) -> Wish | Shut:
    if status is None:
        return _wish(cells, offer)
    return make_leaver(_email(cells), None) if status is Standing.UNSUBSCRIBED else shut_out(_email(cells), status, OWN)


def _wish(cells: Mapping[str, str], offer: Offer) -> Wish:
    said = cells.get("confirmed", "")
    confirmed = _CONFIRMED.get(said.lower())
    if confirmed is None:
        raise UsageError(f"confirmed is {said[:64]!r}: write yes or no")
    email = _email(cells)
    choices = choose_in_bulk(offer, cells.get("topics"), cells.get("frequency"), cells.get("timezone"), cells.get("language"))
    return make_wish(email, cells.get("name"), choices, confirmed=confirmed)


def _email(cells: Mapping[str, str]) -> str:
    if not cells["email"]:
        raise UsageError("has no e-mail address")
    return cells["email"]


def _encoding(file: TextFile) -> str:
    return f"{file.encoding}, guessed" if file.guessed else file.encoding
