"""The typed values of a configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from digest.settings import types
from digest.settings.types import format_duration, parse_address, parse_duration


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace@EXAMPLE.Com", "ada.lovelace@example.com"),
        ("ada+news@bücher.example", "ada+news@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@localhost", "ada@localhost"),
        ("ada@mail.localhost", "ada@mail.localhost"),
        ("ada@example.test", "ada@example.test"),
        ("ada@printer.local", "ada@printer.local"),
    ],
)
def test_an_address_has_one_canonical_form(text: str, canonical: str) -> None:
    assert parse_address(text) == canonical
    assert parse_address(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        '"a b"@example.com',
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada\x00@example.com",
        "ada@exa\u2028mple.com",
        "ädä@example.com",
        "ada\u200d@example.com",
        "ada@[127.0.0.1]",
        "ada@example.com, eve@example.com",
        "ada@example..com",
        "ada@ex_ample.com",
        "a" * 65 + "@example.com",
    ],
)
def test_what_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        parse_address(text)


@given(st.integers(min_value=0, max_value=10**8))
def test_a_duration_is_read_back_as_it_was_written(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("value", ["2", 2, 2.5, "", "d", "1.5h", "-1d", "1 fortnight", "9999999w", None, True])
def test_a_duration_without_a_unit_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|is longer than"):
        parse_duration(value)


def _accepts(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def _refuses(kind: Any, value: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(kind).validate_python(value)


def test_a_cron_has_five_fields_that_come_true() -> None:
    assert _accepts(types.Cron, " 0  9 * * MON ") == "0 9 * * MON"
    _refuses(types.Cron, "0 9 * *", "it has 4 fields, not five")
    _refuses(types.Cron, "@weekly", "it has 1 fields, not five")
    _refuses(types.Cron, "0 0 9 * * 1", "it has 6 fields, not five")
    _refuses(types.Cron, "99 9 * * 1", "Bad minute")
    _refuses(types.Cron, "0 9 31 2 *", "is not a cron expression")


def test_a_time_zone_is_one_of_the_iana_names() -> None:
    assert _accepts(types.Zone, "Europe/Berlin") == "Europe/Berlin"
    for wrong in ("Mars/Olympus", "", "../etc/passwd", "Europe", "CEST+1"):
        _refuses(types.Zone, wrong, "is not a time zone")
    _refuses(types.Zone, "Europe/Berln", "did you mean 'Europe/Berlin'")


def test_a_web_address_is_http_and_carries_no_password() -> None:
    assert _accepts(types.WebAddress, "https://backend.example/") == "https://backend.example"
    assert _accepts(types.WebAddress, "http://127.0.0.1:8000/feed.xml?a=b") == "http://127.0.0.1:8000/feed.xml?a=b"
    for wrong in (
        "backend.example",
        "ftp://x.example",
        "javascript:alert(1)",
        "https://",
        "https://a b",
        "https://x:port",
        "https://[::1",
        "file:///etc",
    ):
        _refuses(types.WebAddress, wrong, "is not a web address")
    with pytest.raises(ValidationError, match="must not carry a user name or a password") as caught:
        _accepts(types.WebAddress, "https://ada:canary@x.example")
    assert "canary" not in str(caught.value.errors()[0]["msg"])


def test_a_base_address_can_be_added_to() -> None:
    assert _accepts(types.BaseAddress, "https://x.example/news/") == "https://x.example/news"
    _refuses(types.BaseAddress, "https://x.example/?a=b", "must end with its host or path")
    _refuses(types.BaseAddress, "https://bücher.example", "must be plain ASCII")


def test_slugs_colours_languages_and_template_names_are_checked() -> None:
    assert _accepts(types.Slug, "data-engineering") == "data-engineering"
    for wrong in ("Data", "a_b", "-a", "a--b", "", "a" * 65, "ü"):
        _refuses(types.Slug, wrong, "is not a slug")
    assert _accepts(types.Colour, "#AABBCC") == "#aabbcc"
    _refuses(types.Colour, "red", "is not a colour")
    assert _accepts(types.Language, "EN-gb") == "en-gb"
    _refuses(types.Language, "english", "is not a language")
    assert _accepts(types.TemplateName, "weekly_2") == "weekly_2"
    for wrong in ("../weekly", "weekly.mjml", ""):
        _refuses(types.TemplateName, wrong, "is not a template's name")


def test_a_line_holds_no_control_characters() -> None:
    for wrong in ("a\r\nBcc: x", "a\x00", "a\u2028b", "a\x85b"):
        _refuses(types.Line, wrong, "one line without control characters")
    assert _accepts(types.Lines, "1 Road\nTown") == "1 Road\nTown"
    _refuses(types.Lines, "1 Road\x00", "must not contain control characters")


def test_true_is_not_a_number() -> None:
    _refuses(types.Whole, True, "must be a number, not true or false")
    _refuses(types.Number, False, "must be a number, not true or false")
    assert _accepts(types.Number, "2.5") == 2.5
