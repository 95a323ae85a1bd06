"""The pages about providers say what the code does."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.providers import (
    mailgun_events,
    postmark_answers,
    postmark_events,
    resend_answers,
    resend_events,
    sendgrid_events,
    ses_answers,
    ses_events,
)
from digest.delivery.providers.registry import provider_names
from digest.settings import DkimSettings, Providers

_DOCS = Path(__file__).parents[3] / "docs"


PAGES = {"eml": "folder", "maildir": "folder"}
"""Providers whose page has another name."""

TOLD: dict[str, list[object]] = {
    "sendgrid": [*sendgrid_events.KINDS],
    "postmark": [*postmark_answers.CODES, *postmark_events.KINDS, *postmark_events.BOUNCES],
    "resend": [*(name for _, name in resend_answers.NAMES), *resend_events.KINDS],
    "mailgun": [*mailgun_events.KINDS, *mailgun_events.FAILURES],
    "ses": [*ses_answers.NAMES, *ses_events.KINDS],
}
"""What the tables of a provider's code name."""


def page_of(name: str) -> str:
    return (_DOCS / "providers" / f"{PAGES.get(name, name)}.md").read_text("utf-8")


@pytest.mark.parametrize("name", Providers.model_fields)
def test_every_setting_stands_on_its_providers_page(name: str) -> None:
    table = type(getattr(Providers(), name))
    assert [key for key in table.model_fields if f"`{key}`" not in page_of(name)] == []


def test_the_settings_of_signing_stand_on_smtps_page() -> None:
    assert [key for key in DkimSettings.model_fields if f"`{key}`" not in page_of("smtp")] == []


@pytest.mark.parametrize("name", TOLD)
def test_everything_that_a_table_names_stands_on_the_page(name: str) -> None:
    page = page_of(name)
    assert [word for word in TOLD[name] if not re.search(rf"(?<![\w-]){re.escape(str(word))}(?![\w-])", page)] == []


@pytest.mark.parametrize("name", provider_names())
def test_the_index_and_the_list_of_neighbours_lead_to_every_page(name: str) -> None:
    link = f"providers/{PAGES.get(name, name)}.md"
    assert link in (_DOCS / "index.md").read_text("utf-8")
    assert link in (_DOCS / "adding-a-provider.md").read_text("utf-8")


def test_the_example_provider_passes_the_contract() -> None:
    text = (_DOCS / "adding-a-provider.md").read_text("utf-8")
    names: dict[str, Any] = {"a_folder": a_folder}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "adding-a-provider.md", "exec"), names)
    suite = names["TestFolder"]()
    tests = [name for name in dir(suite) if name.startswith("test_")]
    assert len(tests) > 5
    for name in tests:
        getattr(suite, name)()


@contextmanager
def a_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
