"""Log lines: one for each thing that happened, on standard error, for people or as JSON; ours and those of libraries alike.

Each has a time, a level, where it is from, what was done (`action`), and what it was about. No address, no secret and no token stands in
one: they are taken out of every line just before it is written, wherever it came from. Of an error the kind and the lines of code are
told, never its words.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, TextIO

import structlog

from digest.app.error_reports import scrub_reports
from digest.app.scrubbing import Scrubber
from digest.app.tracing import scrub_spans
from digest.settings import Settings

_LIBRARIES = logging.WARNING  # their lower levels may hold whole requests, keys and all


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that time."""

    def __init__(self, scrubber: Scrubber) -> None:
        logging.Handler.__init__(self)
        self.scrubber = scrubber

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # a property in place of an attribute, as logging's own last resort has it
        """Where to."""
        return sys.stderr


def write_log_lines(settings: Settings, *, least: str = "debug", again: bool = False) -> None:
    """Write what happens as `[logging]` says, at `least` from a level on; the last call holds, and no span and no report of an error
    holds its secrets either. Where a configuration is read `again`, those of before stay masked."""
    scrub_spans(settings)
    scrub_reports(settings)
    level = max(logging.getLevelName(name.upper()) for name in (settings.logging.level, least))
    root = logging.getLogger()
    former = [one for one in root.handlers if isinstance(one, _ToStandardError)]
    for one in former:
        root.removeHandler(one)
    scrubber = former[0].scrubber if again and former else Scrubber(settings)
    scrubber.learn(settings)
    handler = _ToStandardError(scrubber)
    handler.setFormatter(_formatter(settings, scrubber))
    handler.setLevel(level)
    root.addHandler(handler)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _tell_defect
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _tell_defect_of_a_thread
    logging.getLogger("digest").setLevel(settings.logging.level.upper())
    logging.getLogger("uvicorn.access").disabled = True  # its lines hold tokens
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(max(level, _LIBRARIES))
        logging.getLogger(name).propagate = True


def _tell_defect(kind: type[BaseException], error: BaseException, lines: TracebackType | None) -> None:
    """What ends the process and was not foreseen: one of these lines, where Python would show the error's words."""
    handler = next((one for one in logging.getLogger().handlers if isinstance(one, _ToStandardError)), None)
    if handler is None or not issubclass(kind, Exception):
        sys.__excepthook__(kind, error, lines)
        return
    said = "a defect ended what was being done; whoever maintains Digest would like to see this line"
    record = logging.LogRecord("digest.defects", logging.CRITICAL, "", 0, said, (), (kind, error, lines))
    record.action = "defect"
    handler.handle(record)


def _tell_defect_of_a_thread(of: threading.ExceptHookArgs) -> None:
    if of.exc_value is not None and not issubclass(of.exc_type, SystemExit):  # that ends a thread, as Python has it, in silence
        _tell_defect(of.exc_type, of.exc_value, of.exc_traceback)


def _formatter(settings: Settings, scrubber: Scrubber) -> logging.Formatter:
    def scrub(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        for twice in ("message", "asctime"):  # what another handler has left in the record
            event.pop(twice, None)
        kept = {key: event.pop(key) for key in ("_record", "_from_structlog", "exc_info") if key in event}
        return {key: scrubber.data(value) for key, value in event.items()} | kept

    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _timed,
        _named,
    ]
    as_json = settings.logging.format == "json"
    last: list[structlog.typing.Processor] = (
        [_ordered, structlog.processors.JSONRenderer(ensure_ascii=False)] if as_json else [_on_one_line]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[_discreet, scrub, structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _timed(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event["timestamp"] = structlog.processors.TimeStamper(fmt="iso", utc=True)(None, "", {})["timestamp"]
    return event


def _named(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A line that says not what was done is named for where it is from."""
    event.setdefault("action", str(event.get("logger", "")).rpartition(".")[2])
    return event


def _discreet(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Of an error its kind and its lines of code, never its words: they may hold an address or a token."""
    found = event.pop("exc_info", None) or event["_record"].exc_info
    if isinstance(found, tuple) and found[0] is not None:
        event["error"] = found[0].__qualname__
        event["at"] = _lines(found[2])
    return event


def _lines(found: TracebackType | None) -> list[str]:
    return [f"{one.filename.rpartition('/site-packages/')[2]}:{one.lineno} in {one.name}" for one in traceback.extract_tb(found)]


def _ordered(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    first = ("timestamp", "level", "logger", "action", "event")
    return {key: event[key] for key in first} | {key: value for key, value in event.items() if key not in first}


def _on_one_line(_: Any, __: str, event: structlog.typing.EventDict) -> str:
    """For people: the words first, then what it was about."""
    time, level, name, words, at = (event.pop(key, "") for key in ("timestamp", "level", "logger", "event", "at"))
    told = " ".join(f"{key}={_value(value)}" for key, value in event.items())
    lines = "".join(f"\n  {line}" for line in at)
    return f"{time} {level:<7} {name}: {str(words).replace(chr(10), ' ')} [{told}]{lines}"


def _value(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return repr(text) if " " in text else text
