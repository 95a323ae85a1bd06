"""Options that many commands share, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from digest.app import App

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration; by default DIGEST_CONFIG or config/digest.toml."),
]
Now = Annotated[str | None, typer.Option("--now", metavar="TIME", help="The time to decide by, ISO 8601; by default the clock.")]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Newsletter = Annotated[str | None, typer.Option("--newsletter", metavar="SLUG", help="Only this newsletter.")]
IssueName = Annotated[str, typer.Argument(metavar="ISSUE", help="NEWSLETTER/NUMBER, such as weekly/12.")]
Pin = Annotated[
    list[str] | None,
    typer.Option(
        "--pin", metavar="ARTICLE", help="An article that stands first, by number, id or address; repeated, in this order."
    ),
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="ARTICLE", help="An article that is left out; may be repeated.")
]
NoteFile = Annotated[Path | None, typer.Option("--note", metavar="FILE", help="What you say above the articles, in Markdown.")]
SponsorFile = Annotated[
    Path | None,
    typer.Option("--sponsor", metavar="FILE", help="Who pays for the issue, in TOML: title, url, text, image, image_alt."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the issue's history.")]

_state: dict[str, Path | None] = {"config": None}


def remember_config(config: Path | None) -> None:
    """Keep a `--config` that stood before the command's name."""
    _state["config"] = config


def moment(text: str | None) -> datetime | None:
    """`--now` as an aware time; without a zone it is UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--now: {text!r} is not a time; write it as 2026-11-23T09:00:00Z") from None
    if not 1970 <= found.year < 9000:
        raise UsageError(f"--now: the year {found.year} is out of reach")
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def duration(text: str, option: str) -> timedelta:
    """A length of time that an option names, such as 10m."""
    from digest.settings.types import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def day(text: str, zone: ZoneInfo, option: str) -> datetime:
    """A day or a time that an option names, on the clock of `zone` where it has none of its own; a day begins at midnight."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a date; write it as 2026-12-24, or as 2026-12-24T09:00") from None
    if not 1970 <= found.year < 9000:
        raise UsageError(f"{option}: the year {found.year} is out of reach")
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


@contextmanager
def application(config: Path | None, now: str | None = None, *, prepared: bool = True) -> Iterator[App]:
    """The application; its database is made when it is new and refused when another version made it."""
    from digest.app import open_app
    from digest.app.error_reports import report_errors
    from digest.app.log_lines import write_log_lines
    from digest.app.tracing import traced

    with open_app(configuration_file(config), moment(now)) as app:
        write_log_lines(app.settings, least="warning")  # what a command tells is its report
        report_errors(app.settings)
        with traced(app.settings):
            if prepared:
                app.store.prepare()
            yield app


def configuration_file(config: Path | None) -> Path | None:
    """The configuration file that was named, here or before the command's name."""
    return config or _state["config"]


def actor() -> str:
    """Who sits at the command line, for histories."""
    import getpass

    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
