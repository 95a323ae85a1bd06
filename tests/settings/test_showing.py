"""What `config show` and `config schema` are made of, and the reference."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from digest.settings.reference import reference
from digest.settings.showing import schema, show
from tests.settings.conftest import MINIMAL, Project

CHECKOUT = Path(__file__).parents[2]


def _problems(text: str) -> list[str]:
    values: dict[str, Any] = tomllib.loads(text)
    values["started_at"] = str(values["started_at"])
    return [error.message for error in Draft202012Validator(schema()).iter_errors(values)]


def test_every_value_is_shown_with_where_it_came_from(project: Project) -> None:
    shown = show(project.read(DIGEST_DELIVERY__PROVIDER="smtp"))
    assert shown["site.name"] == {"value": "Backend", "origin": "config/digest.toml"}
    assert shown["delivery.provider"] == {"value": "smtp", "origin": "DIGEST_DELIVERY__PROVIDER in the environment"}
    assert shown["delivery.timeout"] == {"value": "10m", "origin": "default"}
    assert shown["newsletters.0.schedule.weekly"] == {"value": "0 9 * * 1", "origin": "config/digest.toml"}
    assert shown["newsletters.0.topics.databases.tags"] == {"value": ["databases"], "origin": "config/digest.toml"}
    assert shown["started_at"]["value"] == "2026-11-01T00:00:00Z"
    assert shown["providers.smtp.password"] == {"value": None, "origin": "default"}
    assert "project" not in shown


def test_the_schema_is_one_and_accepts_what_is_right() -> None:
    Draft202012Validator.check_schema(schema())
    assert _problems(MINIMAL) == []
    assert _problems((CHECKOUT / "config/digest.toml").read_text()) == []
    assert schema()["$defs"]["Delivery"]["properties"]["timeout"]["default"] == "10m"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[delivery]\nrat = 1", "Additional properties are not allowed ('rat' was unexpected)"),
        ("[delivery]\ntimeout = '2'", "'2' does not match"),
        ("[providers.smtp]\npassword = 'x'", "Additional properties are not allowed ('password' was unexpected)"),
        ("[providers.sendgrid]\napi_key = 'x'", "Additional properties are not allowed ('api_key' was unexpected)"),
    ],
)
def test_the_schema_refuses_what_is_wrong(wrong: str, said: str) -> None:
    assert any(said in problem for problem in _problems(f"{MINIMAL}\n{wrong}"))


def test_the_reference_is_what_the_code_says() -> None:
    assert (CHECKOUT / "docs/reference/settings.md").read_text() == reference(), "run `make reference`"
