"""The pages about providers say what the code does."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from digest.settings import SendGridSettings, SmtpSettings

_DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(("page", "settings"), [("smtp", SmtpSettings), ("sendgrid", SendGridSettings)])
def test_every_setting_stands_on_its_providers_page(page: str, settings: type[SmtpSettings] | type[SendGridSettings]) -> None:
    text = (_DOCS / "providers" / f"{page}.md").read_text("utf-8")
    assert [name for name in settings.model_fields if f"`{name}`" not in text] == []


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
