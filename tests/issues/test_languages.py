"""Which languages a newsletter takes."""

from __future__ import annotations

import pytest

from digest.issues.languages import speaks


@pytest.mark.parametrize(
    ("taken", "language", "passes"),
    [
        ((), "de", True),
        (("en",), None, True),
        (("en",), "en", True),
        (("en",), "EN-gb", True),
        (("en",), "de", False),
        (("en",), "enm", False),
        (("pt-BR",), "pt", False),
        (("pt-BR",), "pt-br", True),
        (("en", "de"), "de-AT", True),
    ],
)
def test_a_language_holds_its_regions_and_an_article_without_one_passes(
    taken: tuple[str, ...], language: str | None, passes: bool
) -> None:
    assert speaks(taken, language) is passes
