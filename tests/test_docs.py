"""The documentation speaks of what is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.cli.reference import names
from digest.delivery.event import Cause, Kind
from digest.delivery.reports import ReportState
from digest.settings.checks import Checks

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "config").glob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4}(?=digest ).*$", re.MULTILINE)
_INLINE = re.compile(r"`(digest [^`]+)`")
_COMMAND = re.compile(r"(?:^|&&\s*|[\w./]*/)digest ([a-z]+)(?: ([a-z]+)\b(?![/@.-]))?(?: ([a-z]+)\b(?![/@.-]))?", re.MULTILINE)
NAMES = frozenset(names())
GROUPS = {name.rpartition(" ")[0] for name in NAMES if " " in name} | {name.split()[0] for name in NAMES if " " in name}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_writes_out_exists(page: Path) -> None:
    unknown = [command for command in _commands(page.read_text(encoding="utf-8")) if command not in NAMES]
    assert unknown == [], f"{page.name} speaks of commands that are not there"


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    text = "```\ndigest issues publish weekly/1\ncd there && digest serve\n```\nand `digest articles`, `digest send weekly/1`"
    assert list(_commands(text)) == ["issues publish", "serve", "articles", "send"]
    assert list(_commands("`digest editor token lend 1` and `digest editor link ada@example.com`")) == [
        "editor token lend",
        "editor link",
    ]


def test_every_file_named_by_the_promises_is_there() -> None:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|digest)/[\w/]+\.py)`", text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_page_on_checks_tells_each_with_its_weight_and_meaning() -> None:
    text = (ROOT / "docs" / "how-to" / "checks.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", text, re.MULTILINE)
    assert told == [(name, field.default, field.description) for name, field in Checks.model_fields.items()]


def test_the_page_on_events_tells_every_kind_cause_and_state() -> None:
    text = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    assert [word.value for words in (Kind, Cause, ReportState) for word in words if f"`{word.value}`" not in text] == []


def test_every_library_has_its_line_in_the_decisions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {re.split(r"[^a-z0-9-]", name)[0] for names_of in lists for name in names_of}
    told = re.findall(
        r"^\| ([a-z0-9-]+) \| \S", (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(set(told) - {"library"}) == sorted(wanted)


def _commands(text: str) -> Iterator[str]:
    """Each command in code, by its name: such as `issues draft` or `run`."""
    for code in [*_BLOCK.findall(text), *(line.strip() for line in _INDENTED.findall(text)), *_INLINE.findall(text)]:
        for words in _COMMAND.findall(code):
            name = words[0]
            for word in words[1:]:
                name = f"{name} {word}".strip() if name in GROUPS else name
            yield name
