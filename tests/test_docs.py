"""The documentation speaks of what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from digest.cli.reference import names

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "config").glob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_COMMAND = re.compile(r"\bdigest ((?:[a-z]+)(?: [a-z]+)?)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_a_code_block_exists(page: Path) -> None:
    known = names() | {name.split()[0] for name in names()}
    for block in re.findall(r"^```.*?^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            for said in _COMMAND.findall(line) if line.lstrip().startswith("digest ") else ():
                assert said in known or said.split()[0] in known, f"{page.name} says digest {said}"


def test_every_file_named_by_the_promises_is_there() -> None:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|digest)/[\w/]+\.py)`", text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []
