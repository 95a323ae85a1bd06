"""The request: what SendGrid takes, and what a reader gets of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from digest.delivery.providers.sendgrid_request import (
    build_request,
    group,
    has_too_long_values,
    to_ascii,
    to_display_name,
    write_request,
)
from digest.errors import Refused
from digest.rendering.content import Envelope
from digest.rendering.rendition import Slotted
from digest.testing.sendgrid_judge import judge_strictly
from digest.testing.specimens import a_rendition, an_envelope, envelopes

Judges = list[Callable[[Any], Iterator[str]]]


def substituted(request: dict[str, Any], number: int, kind: int) -> str:
    """The text a reader gets, as SendGrid puts it together."""
    text: str = request["content"][kind]["value"]
    for tag, value in request["personalizations"][number]["substitutions"].items():
        text = text.replace(tag, value)
    return text


def personal(envelope: Envelope) -> dict[str, str]:
    it = envelope.personal
    return {
        "greeting": it.greeting,
        "email": it.email,
        "preferences_url": it.preferences_url,
        "unsubscribe_url": it.unsubscribe_url,
    }


def test_a_request_is_one_that_every_judge_takes(judges: Judges) -> None:
    payload = json.loads(json.dumps(build_request(a_rendition(), envelopes(1000))))
    assert [words for judge in judges for words in judge(payload)] == []


def test_the_strict_judge_finds_fault() -> None:
    good = build_request(a_rendition(), [an_envelope(name="Ada")])
    assert list(judge_strictly(good)) == []
    spoiled: list[dict[str, Any]] = [
        {**good, "sections": {}},
        {**good, "custom_args": {"a": "b"}},
        {**good, "content": good["content"][::-1]},
        {**good, "from": {"email": "news@news.example", "name": "Größe"}},
        {**good, "personalizations": []},
        {**good, "personalizations": good["personalizations"] * 2},
        {**good, "personalizations": good["personalizations"] * 1001},
        {**good, "headers": {"Subject": "x"}},
    ]
    one = good["personalizations"][0]
    changes: list[dict[str, Any]] = [
        {"to": []},
        {"to": [{"email": "a@b.example", "name": "a;b"}]},
        {"custom_args": {"delivery_id": 1, "attempt_id": "a"}},
        {"substitutions": {**one["substitutions"], "~none!": ""}},
        {"substitutions": dict.fromkeys(one["substitutions"], "x" * 2500)},
        {"headers": {}},
        {"subject": "another"},
    ]
    spoiled += [{**good, "personalizations": [{**one, **change}]} for change in changes]
    assert all(list(judge_strictly(payload)) for payload in spoiled)


def test_its_parts_are_where_sendgrid_looks_for_them() -> None:
    request = build_request(a_rendition(), [an_envelope(1, name="Ada; Countess, of Lovelace"), an_envelope(2)])
    assert request["from"] == {"email": "news@news.example", "name": "Example News"}
    assert request["reply_to"] == {"email": "editors@news.example"}
    assert request["categories"] == ["weekly/12"]
    assert [part["type"] for part in request["content"]] == ["text/plain", "text/html"]
    assert set(request["headers"]) == {"List-Id", "Auto-Submitted", "Feedback-ID"}
    first, second = request["personalizations"]
    assert first["to"] == [{"email": "reader1@example.com", "name": "Ada Countess of Lovelace"}]
    assert second["to"] == [{"email": "reader2@example.com"}]
    assert second["headers"] == {
        "List-Unsubscribe": "<https://news.example/unsubscribe/u0000000002>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert second["custom_args"] == {"delivery_id": "d0000000002", "attempt_id": "a0000000002"}


def test_a_value_is_escaped_in_html_and_as_it_is_in_text() -> None:
    request = build_request(a_rendition(), [an_envelope(greeting="Ada & <Co>")])
    assert "Hello Ada & <Co>, you are" in substituted(request, 0, 0)
    assert "Hello Ada &amp; &lt;Co&gt;, you are" in substituted(request, 0, 1)


@given(st.lists(st.text(st.sampled_from("~dg01.html!text.greeting& <"), max_size=40), min_size=8, max_size=8))
def test_no_text_can_be_taken_for_a_tag(texts: list[str]) -> None:
    greeting, *literals = texts
    rendition = replace(
        a_rendition(text="~dg0.html.greeting! ~dg0."),
        html=Slotted((literals[0], literals[1], literals[2]), ("greeting", "email")),
        text=Slotted((literals[3], literals[4], literals[5]), ("email", "greeting")),
        subject=literals[6] or "s",
    )
    readers = [an_envelope(1, greeting=greeting), an_envelope(2, greeting="~dg1.")]
    request = build_request(rendition, readers)
    for number, reader in enumerate(readers):
        values = personal(reader)
        assert substituted(request, number, 0) == rendition.text.fill(values)
        assert substituted(request, number, 1) == rendition.html.fill(
            {name: str(escape(value)) for name, value in values.items()}
        )


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_stands_in_a_name_the_request_is_json_that_says_it(name: str, greeting: str) -> None:
    reader = an_envelope(name=name, greeting=greeting)
    request = json.loads(write_request(a_rendition(), [reader, an_envelope(2)]))
    assert request["personalizations"][0]["to"][0].get("name", "") == to_display_name(name)
    assert greeting in request["personalizations"][0]["substitutions"].values()
    assert str(escape(greeting)) in request["personalizations"][0]["substitutions"].values()
    assert len(request["personalizations"]) == 2


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(Refused, match="half of a pair"):
        write_request(a_rendition(), [an_envelope(name="\ud800")])


def test_no_address_stands_twice_in_a_group() -> None:
    addresses = ["a@x.example", "b@x.example", "A@x.example", "a@X.example", "b@x.example", "c@x.example"]
    batch = [an_envelope(number, address=address) for number, address in enumerate(addresses)]
    assert group(batch) == [[0, 1, 5], [2, 4], [3]]


def test_a_group_is_at_most_a_thousand() -> None:
    assert [len(part) for part in group(envelopes(2500))] == [1000, 1000, 500]
    assert group([]) == []


def test_values_of_more_than_ten_thousand_bytes_are_too_long() -> None:
    assert not has_too_long_values(a_rendition(), an_envelope())
    assert not has_too_long_values(a_rendition(), an_envelope(greeting="a" * 4000))
    assert has_too_long_values(a_rendition(), an_envelope(greeting="a" * 5000))
    assert has_too_long_values(a_rendition(), an_envelope(greeting="&" * 2000))


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("Example News", "Example News"),
        ("Größe & Café", "Grosse & Cafe"),
        ("Łódź", "Lodz"),
        ("週刊", ""),
        ("A\r\nB", "A B"),
        ("It’s", "It's"),
    ],
)
def test_a_senders_name_becomes_ascii(name: str, ascii_name: str) -> None:
    assert to_ascii(name) == ascii_name


def test_a_sender_without_an_ascii_name_has_none() -> None:
    assert build_request(a_rendition(sender_name="週刊"), envelopes(1))["from"] == {"email": "news@news.example"}


@pytest.mark.parametrize(
    ("name", "shown"), [(None, ""), ("a;b, c", "a b c"), ("a\r\nb\x00", "a b"), ("Größe", "Größe"), (";", "")]
)
def test_a_readers_name_loses_what_sendgrid_refuses(name: str | None, shown: str) -> None:
    assert to_display_name(name) == shown
