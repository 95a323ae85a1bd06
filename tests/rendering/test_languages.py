"""A mail in each language that ships, as it was reviewed."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest
from markupsafe import escape

from digest.rendering.assemble import fill
from digest.rendering.content import AlsoContent
from digest.rendering.rendition import Rendition

from .sample import CONTENT, PERSONAL
from .test_assemble import GOLDEN, rendition

ALSO = (AlsoContent(7, "https://one.example/x", "one.example"), AlsoContent(8, "https://two.example/y", "two.example"))
LANGUAGES = ("ar", "de", "es", "fr", "ja", "pt")


def in_language(language: str) -> Rendition:
    minutes = (1, 2, 7, 12, None, 100)
    articles = tuple(
        replace(one, reading_minutes=count, also=ALSO if one.id < 3 else ())
        for one, count in zip(CONTENT.articles, minutes, strict=True)
    )
    return rendition(replace(CONTENT, language=language, articles=articles))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sample_mail_in_each_language_is_the_reviewed_one(language: str) -> None:
    made = in_language(language)
    text = fill(made, replace(PERSONAL, greeting=made.greeting.to("Maja Ahlström")))[1]
    golden = GOLDEN / f"sample.{language}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_our_own_is_left_in_english_and_both_parts_say_the_same(language: str) -> None:
    html, text = fill(in_language(language), PERSONAL)
    seen = re.sub(r"<[^>]+>", " ", html[html.index("<body") :])
    for english in (
        "Unsubscribe",
        "Read the article",
        "min read",
        "Also at",
        "Change topics",
        "You get this",
        "It was sent",
        "No.",
    ):
        assert english not in seen
        assert english not in text
    flat = "".join(seen.split())
    for line in text[text.index("-" * 72) :].splitlines():
        if not line.startswith(("---", "http")):
            assert "".join(str(escape(line)).split()) in flat


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_says_its_language_and_direction(language: str) -> None:
    html, _ = fill(in_language(language), PERSONAL)
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in html


@pytest.mark.parametrize(
    ("language", "named", "unnamed"),
    [
        ("en", "Hello Maja,", "Hello,"),
        ("de", "Guten Tag Maja,", "Guten Tag,"),
        ("ja", "Maja 様", "こんにちは。"),
        ("pt-BR", "Olá, Maja!", "Olá!"),
        ("xx", "Hello Maja,", "Hello,"),
    ],
)
def test_a_reader_is_greeted_in_the_mails_language_whatever_they_are_called(language: str, named: str, unnamed: str) -> None:
    greeting = in_language(language).greeting
    assert (greeting.to("Maja"), greeting.to(None), greeting.to("")) == (named, unnamed, unnamed)
    assert greeting.to("100% %(name)s") == named.replace("Maja", "100% %(name)s")
