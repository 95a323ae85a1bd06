"""(i) People moving in and out: a million rows of another tool's export, a million of our own, and the way out again."""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measuring import Apart, Figure, apart
from digest.app.importing import import_file
from digest.app.wiring import App, open_app
from digest.audience.csv_file import COLUMNS
from digest.audience.elsewhere.reading import How
from digest.audience.exporting import export_csv
from digest.audience.exporting_json import export_json
from digest.audience.import_report import ImportReport
from digest.settings.project import init_project

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
Ran = tuple[Apart[float], Apart[float], Apart[float]]
_TOPICS = ("databases", "python", "reliability", "security", "devops")
_MAILCHIMP = [
    *("Email Address", "First Name", "Last Name", "MEMBER_RATING", "OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP"),
    *("LATITUDE", "LONGITUDE", "GMTOFF", "DSTOFF", "TIMEZONE", "CC", "REGION", "LAST_CHANGED", "LEID", "EUID", "NOTES", "TAGS"),
]


def moving(rows: int) -> list[Figure]:
    """So many rows, and a tenth of them, on each store; once, since a million of them take minutes."""
    figures: list[Figure] = []
    for store in (_sqlite, _postgresql):
        for kind in ("digest", "mailchimp"):
            small = _ran(store, kind, max(rows // 10, 1))
            figures.extend(_told(f"{kind}, {store.__name__.strip('_')}", rows, _ran(store, kind, rows), small))
    return figures


def _told(kind: str, rows: int, ran: Ran, small: Ran) -> list[Figure]:
    first, again, out = ran
    key = f"import_{kind.replace(', ', '_')}_rows_per_processor_second"
    few = max(rows // 10, 1)
    return [
        Figure(
            f"import {rows:,} rows ({kind})",
            f"{rows / first.processor:,.0f} rows a second of processor, {first.result:.0f} s, peak {first.peak_mb:.0f} MB",
            f"{few:,} rows: {few / small[0].processor:,.0f}, {small[0].peak_mb:.0f} MB",
            f"memory {first.peak_mb / small[0].peak_mb:.2f} ×",
            "≥ 20,000 on SQLite",
            {key: round(rows / first.processor)} if rows == 1_000_000 else {},
        ),
        Figure(
            f"the same once more, all unchanged ({kind})",
            f"{rows / again.processor:,.0f} rows a second of processor, {again.result:.0f} s, peak {again.peak_mb:.0f} MB",
        ),
        Figure(
            f"export {rows:,} as CSV, then JSON ({kind})",
            f"{out.result:.0f} s, peak {out.peak_mb:.0f} MB",
            f"{few:,}: {small[2].result:.0f} s, {small[2].peak_mb:.0f} MB",
        ),
    ]


def _ran(store: Callable[[Path], AbstractContextManager[str]], kind: str, rows: int) -> Ran:
    """In, in once more, and out."""
    with tempfile.TemporaryDirectory(prefix="digest-moving-") as name:
        folder = Path(name)
        init_project(folder, NOW)
        file = folder / "people.csv"
        write_people(kind, rows, file)
        with store(folder) as address:
            first = apart(take_in, folder, address, file, rows, 0)
            again = apart(take_in, folder, address, file, 0, rows)
            return first, again, apart(take_out, folder, address)


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'digest.db'}"


@contextmanager
def _postgresql(_: Path) -> Iterator[str]:
    """A server of the tests, which does not wait for the disk: its processor time is not in ours."""
    from tests.databases import Server

    server = Server()
    try:
        yield server.url(server.create())
    finally:
        server.remove()


def write_people(kind: str, rows: int, file: Path) -> None:
    """A file of so many people in the form of a tool: names, topics or tags, times, networks."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS if kind == "digest" else _MAILCHIMP)
        writer.writerows(_own(number) if kind == "digest" else _mailchimp(number) for number in range(rows))


def _own(number: int) -> tuple[str, ...]:
    topics = " ".join(_TOPICS[place] for place in range(5) if number >> place & 1)
    zone = ("", "Europe/Berlin", "America/New_York")[number % 3]
    return (_email(number), f"Reader {number}", topics, "", zone, ("", "en", "de")[number % 3], ("yes", "yes", "no")[number % 3])


def _mailchimp(number: int) -> tuple[str, ...]:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=61 * number)
    asked, sure = f"{at:%Y-%m-%d %H:%M:%S}", f"{at + timedelta(minutes=3):%Y-%m-%d %H:%M:%S}"
    ip = f"198.51.{number >> 8 & 255}.{number & 255}"
    tags = ",".join(f'"{_TOPICS[place].title()}"' for place in range(5) if number >> place & 1)
    where = ("52.5", "13.4", "1", "2", "Europe/Berlin", "de", "be")
    return (_email(number), "Reader", str(number), "2", asked, ip, sure, ip, *where, sure, str(number), f"e{number:x}", "", tags)


def _email(number: int) -> str:
    # Not in the order of the alphabet, as real files are not.
    return f"{number * 2654435761 % 2**32:08x}.reader{number}@{('gmail', 'outlook', 'posteo', 'web', 'corp')[number % 5]}.example"


def take_in(folder: Path, address: str, file: Path, added: int, unchanged: int) -> float:
    """Import it; how many seconds that took."""
    with _opened(folder, address) as app:
        app.store.prepare()
        began = time.perf_counter()
        report: ImportReport = import_file(
            app, file, app.the_newsletter(None), How(), dry_run=False, on_progress=None, on_bad=None
        )
        took = time.perf_counter() - began
    if (report.added, report.unchanged, report.bad) != (added, unchanged, 0):
        raise RuntimeError(f"not what was to be measured: {report.added} added, {report.unchanged} unchanged, {report.bad} bad")
    return took


def take_out(folder: Path, address: str) -> float:
    """Write everybody as CSV and as JSON, to nowhere; how many seconds that took."""
    with _opened(folder, address) as app, Path(os.devnull).open("w", encoding="utf-8") as stream:
        began = time.perf_counter()
        with app.store.reading() as connection:
            export_csv(connection, app.the_newsletter(None).slug, stream)
        with app.store.reading() as connection:
            export_json(connection, None, stream, suppressions=True)
        return time.perf_counter() - began


@contextmanager
def _opened(folder: Path, address: str) -> Iterator[App]:
    os.environ["DIGEST_DATABASE__URL"] = address
    with open_app(folder / "config" / "digest.toml", NOW) as app:
        yield app
