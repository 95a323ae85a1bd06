"""One text for one set of topics."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.audience import parse_topics
from digest.errors import UsageError
from digest.settings import NewsletterSettings


@pytest.mark.parametrize(
    "text", ["python databases", "databases;python", "databases, python", " Python\tDATABASES  python ", "python;;databases,"]
)
def test_equal_sets_of_topics_are_equal_text(weekly: NewsletterSettings, text: str) -> None:
    assert parse_topics(text, weekly) == "databases python"


@pytest.mark.parametrize("text", ["", "  ", ";", "*", "python *"])
def test_nothing_or_a_star_means_all(weekly: NewsletterSettings, text: str) -> None:
    assert parse_topics(text, weekly) == "*"


def test_all_topics_by_name_leave_out_those_of_tomorrow(weekly: NewsletterSettings) -> None:
    assert parse_topics("python databases reliability", weekly) == "databases python reliability"


def test_an_unknown_topic_is_named_with_a_suggestion_and_the_newsletters_topics(weekly: NewsletterSettings) -> None:
    with pytest.raises(UsageError) as caught:
        parse_topics("python databse", weekly)
    assert str(caught.value) == (
        "newsletter 'weekly' has no topic 'databse'; did you mean 'databases'? its topics are python, databases, reliability"
    )


def test_an_unknown_topic_that_resembles_none_gets_no_suggestion(weekly: NewsletterSettings) -> None:
    with pytest.raises(UsageError, match="no topic 'zzz'; its topics are python"):
        parse_topics("zzz", weekly)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(["python", "databases", "reliability"])))
def test_canonical_topics_read_back_as_themselves(weekly: NewsletterSettings, topics: set[str]) -> None:
    canonical = parse_topics(";".join(topics), weekly)
    assert parse_topics(canonical, weekly) == canonical
