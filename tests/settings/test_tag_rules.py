"""Boolean rules for the tags of a topic."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from digest.settings import Topic
from digest.settings.tag_rules import DEEPEST, LONGEST, parse_tag_rule, rule_of


def meets(rule: str, *tags: str) -> bool:
    return parse_tag_rule(rule).matches(frozenset(tags))


@pytest.mark.parametrize(
    ("rule", "tags", "met"),
    [
        ("python", "python", True),
        ("Python", "python", True),
        ("python", "data", False),
        ("python and not career", "python", True),
        ("python and not career", "python career", False),
        ("python AND NOT Career", "python career", False),
        ("a or b and c", "a", True),
        ("a or b and c", "b", False),
        ("a and b or c", "c", True),
        ("(a or b) and c", "a", False),
        ("(a or b) and c", "b c", True),
        ("not a and b", "b", True),
        ("not a and b", "", False),
        ("not (a and b)", "a", True),
        ("not not a", "a", True),
        ("not a", "", True),
        ("c++ or c#", "c#", True),
        ("o'reilly", "o'reilly", True),
        ("\"and\" or 'not'", "and", True),
    ],
)
def test_not_binds_closest_then_and_then_or(rule: str, tags: str, met: bool) -> None:
    assert meets(rule, *tags.split()) is met


def test_a_tag_of_several_words_stands_in_quotes() -> None:
    assert meets('"Data Engineering" and not "big (data)"', "data engineering")
    assert meets("' data engineering '", "data engineering")
    assert not meets("'data engineering' and not 'big (data)'", "data engineering", "big (data)")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "it is empty; name a tag"),
        ("  ", "it is empty; name a tag"),
        ("python and", "it ends where a tag is expected"),
        ("not", "it ends where a tag is expected"),
        ("or python", "'or' at character 1 stands where a tag is expected; put quotes around it if it is one"),
        ("a and or b", "'or' at character 7 stands where a tag is expected; put quotes around it if it is one"),
        ("(a or b", "'(' at character 1 is never closed; add a ')'"),
        ("a or b)", "')' at character 7 closes nothing; take it out"),
        ("()", "')' at character 2 stands where a tag is expected"),
        ("data engineering", "'engineering' at character 6 follows a tag; write `and` or `or` between them, or quotes around"),
        ("a (b)", "'(' at character 3 follows a tag"),
        ('a or "b', "the quote at character 6 is never closed"),
        ('a or " "', "the quotes at character 6 hold no tag"),
        ("(" * (DEEPEST + 2) + "a", f"nested deeper than {DEEPEST} times"),
        ("not " * (DEEPEST + 2) + "a", f"nested deeper than {DEEPEST} times"),
        ("a or " * LONGEST + "a", "longer than 1,000 characters"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_with_its_place(rule: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_tag_rule(rule)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("tags", "place", "said"),
    [
        ("a b", ("tags",), "'b' at character 3"),
        ("a\nor b", ("tags",), "one line"),
        ([], ("tags",), "at least 1 item"),
        (["a", ""], ("tags", 1), "must not be empty"),
        (["a", 3], ("tags", 1), "valid string"),
        (3, ("tags",), "valid tuple"),
    ],
)
def test_a_topic_takes_a_list_or_a_rule_and_says_one_thing_of_what_is_neither(
    tags: Any, place: tuple[Any, ...], said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Topic.model_validate({"title": "T", "tags": tags})
    (error,) = refused.value.errors()
    assert (error["loc"], said in error["msg"]) == (place, True)


def test_a_rule_is_shown_as_it_was_written() -> None:
    assert Topic.model_validate({"title": "T", "tags": "a  and (b)"}).model_dump(mode="json")["tags"] == "a  and (b)"
    assert Topic.model_validate({"title": "T", "tags": ["A", "b"]}).model_dump(mode="json")["tags"] == ["A", "b"]


@pytest.mark.parametrize(
    ("tags", "gathered"),
    [
        (["a", "B"], ["a", "B"]),
        ("a and not b", ["a"]),
        ("not (a or not b)", ["b"]),
        ("not a", []),
        ('"x y" or z', ["x y", "z"]),
    ],
)
def test_what_a_rule_gathers_is_what_it_does_not_exclude(tags: list[str] | str, gathered: list[str]) -> None:
    assert list(rule_of(tags).gathered()) == gathered


RULES = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: (
        inner.map(lambda rule: f"not ({rule})")
        | st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})")
        | st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(rule=RULES)
def test_a_rule_means_what_python_would_make_of_it(rule: str) -> None:
    for some in chain.from_iterable(combinations("abc", many) for many in range(4)):
        expected = eval(rule, {"__builtins__": {}}, {tag: tag in some for tag in "abc"})
        assert meets(rule, *some) is bool(expected)
