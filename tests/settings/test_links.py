"""What may be said of links."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from digest.settings.links import Links, Utm


def test_a_source_is_enough() -> None:
    utm = Utm(source="newsletter")
    assert utm.filled(newsletter="weekly", number=12, date="2026-11-23") == (
        ("utm_source", "newsletter"),
        ("utm_medium", "email"),
        ("utm_campaign", "weekly-12"),
    )


def test_each_parameter_may_name_the_issue() -> None:
    utm = Utm(source="{newsletter}", medium="mail {date}", campaign="n{number}")
    assert [value for _, value in utm.filled(newsletter="weekly", number=12, date="2026-11-23")] == [
        "weekly",
        "mail 2026-11-23",
        "n12",
    ]


def test_what_means_nothing_is_refused_with_what_does() -> None:
    with pytest.raises(ValidationError, match=r"\{issue\} means nothing here; it may name \{newsletter\}, \{number\}, \{date\}"):
        Utm(source="x", campaign="{issue}")


def test_by_default_links_stay_as_they_are() -> None:
    assert Links().utm is None
