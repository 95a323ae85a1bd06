"""The language of a page: as much as we speak of what a browser asks for, and nothing that it could fill our memory with."""

from __future__ import annotations

import pytest

from digest.languages import locale_of
from tests.web.conftest import Pages


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("de", "de"),
        ("DE-ch", "de-CH"),
        ("de-CH-1996", "de-CH"),
        ("de-Latn-CH", "de"),
        ("de-abcdefgh-CH", "de"),
        ("es-419", "es"),
        ("xx-DE, fr;q=0.5", "fr"),
        ("xx", "en"),
    ],
)
def test_a_page_speaks_the_language_and_the_country_that_are_asked_for(pages: Pages, asked: str, spoken: str) -> None:
    assert pages.client.get("/archive", headers={"Accept-Language": asked}).headers["content-language"] == spoken


@pytest.mark.sqlite
def test_of_made_up_languages_nothing_is_remembered(pages: Pages) -> None:
    pages.client.get("/archive", headers={"Accept-Language": "de"})
    before = locale_of.cache_info().currsize
    for number in range(20):
        pages.client.get("/archive", headers={"Accept-Language": f"de-x{number:07}"})
    assert locale_of.cache_info().currsize == before
