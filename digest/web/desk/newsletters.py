"""Newsletters at the desk: what is configured, as it holds, and where each value comes from. It is changed in the file, not here.

A viewer sees the newsletters alone; who the other editors are an admin alone sees.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import Response

from digest.editors.roles import Role
from digest.settings.showing import show
from digest.web.desk.doors import Door, Visit


@dataclass(frozen=True, slots=True)
class Value:
    """One key, what holds, and where that comes from."""

    key: str
    value: str
    origin: str


def doors() -> list[Door]:
    """`/editor/settings`."""
    return [Door("GET", "/editor/settings", Role.VIEWER, _show)]


def _show(visit: Visit) -> Response:
    settings = visit.app.settings
    found = show(settings)
    mine, rest = defaultdict[int, list[Value]](list), defaultdict[str, list[Value]](list)
    for key, one in found.items():
        table, _, below = key.partition(".")
        if table == "newsletters":
            number, _, name = below.partition(".")
            mine[int(number)].append(Value(name, _in_words(one["value"]), _place(one["origin"], settings.project)))
        elif visit.who.role.may(Role.ADMIN if table == "editors" else Role.EDITOR):
            rest[table if below else "project"].append(
                Value(key, _in_words(one["value"]), _place(one["origin"], settings.project))
            )
    newsletters = [(one, mine[number]) for number, one in enumerate(settings.newsletters)]
    return visit.page("settings.html", newsletters=newsletters, rest=dict(rest))


def _place(origin: str, project: Path) -> str:
    """Where a value comes from, by the file's name within the project: where the project lies on the machine is nobody's business."""
    return origin.replace(f"{project}/", "")


def _in_words(value: Any) -> str:
    """A value as one reads it."""
    match value:
        case None:
            return "not set"
        case True | False:
            return "yes" if value else "no"
        case []:
            return "none"
        case list():
            return ", ".join(str(one) for one in value)
        case "":
            return "empty"
        case _:
            return str(value)
