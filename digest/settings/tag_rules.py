"""Tag rules: `python and not career`, read into what says of an article's tags whether a topic gathers it. Pure.

`not` binds closest, then `and`, then `or`; parentheses group. A tag of several words, or one called like an operator,
stands in quotes. Case plays no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 1000  # characters
DEEPEST = 50  # parentheses and `not`s within each other

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[()])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<word>[^\s()"'][^\s()"]*)|(?P<open>["']))"""
)
_SHOWN = 80  # characters
_OPERATORS = ("and", "or", "not")


@dataclass(frozen=True, slots=True)
class Tagged:
    """One of some tags."""

    tags: tuple[str, ...]
    folded: frozenset[str]

    def matches(self, tags: frozenset[str]) -> bool:
        """Whether an article with these tags, case-folded, is meant."""
        return not self.folded.isdisjoint(tags)

    def gathered(self, wanted: bool = True) -> Iterator[str]:
        """The tags by which articles can come in; not those that keep them out."""
        yield from self.tags if wanted else ()


@dataclass(frozen=True, slots=True)
class Not:
    """What the rule inside does not match."""

    rule: Rule

    def matches(self, tags: frozenset[str]) -> bool:
        """As `Tagged.matches`."""
        return not self.rule.matches(tags)

    def gathered(self, wanted: bool = True) -> Iterator[str]:
        """As `Tagged.gathered`."""
        yield from self.rule.gathered(not wanted)


@dataclass(frozen=True, slots=True)
class Joined:
    """What every one of some rules matches (`and`), or at least one (`or`)."""

    rules: tuple[Rule, ...]
    every: bool

    def matches(self, tags: frozenset[str]) -> bool:
        """As `Tagged.matches`."""
        met = (rule.matches(tags) for rule in self.rules)
        return all(met) if self.every else any(met)

    def gathered(self, wanted: bool = True) -> Iterator[str]:
        """As `Tagged.gathered`."""
        for rule in self.rules:
            yield from rule.gathered(wanted)


Rule = Tagged | Not | Joined


def rule_of(tags: Iterable[str] | str) -> Rule:
    """The rule of a topic: what its text says, or any one of a list of tags."""
    return parse_tag_rule(tags) if isinstance(tags, str) else _tagged(*tags)


def parse_tag_rule(text: str) -> Rule:
    """The rule that a text stands for; `ValueError` names the place and what to do."""
    if len(text) > LONGEST:
        raise ValueError(f"the rule is longer than {LONGEST:,} characters; make two topics of it, or move one to the other")
    parser = _Parser(text)
    rule = parser.either(0)
    parser.end()
    return rule


def _tagged(*tags: str) -> Tagged:
    return Tagged(tags, frozenset(tag.casefold() for tag in tags))


@dataclass(frozen=True, slots=True)
class _Token:
    at: int
    text: str
    tag: bool

    def __str__(self) -> str:
        return f"{self.text!r} at character {self.at + 1}"


class _Parser:
    """Reads one rule from its start to its end, a token at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._place = 0

    def either(self, depth: int) -> Rule:
        """Rules joined by `or`."""
        return self._joined("or", depth)

    def end(self) -> None:
        """Nothing may follow."""
        token = self._next()
        if token is None:
            return
        if token.text == ")" and not token.tag:
            raise self._wrong(f"{token} closes nothing; take it out")
        raise self._wrong(f"{token} follows a tag; write `and` or `or` between them, or quotes around a tag of several words")

    def _joined(self, operator: str, depth: int) -> Rule:
        rules = [self._part(operator, depth)]
        while self._take(operator):
            rules.append(self._part(operator, depth))
        return rules[0] if len(rules) == 1 else Joined(tuple(rules), every=operator == "and")

    def _part(self, operator: str, depth: int) -> Rule:
        return self._joined("and", depth) if operator == "or" else self._one(depth)

    def _one(self, depth: int) -> Rule:
        token = self._next()
        if token is None:
            raise self._wrong("it ends where a tag is expected" if self._tokens else "it is empty; name a tag")
        if depth > DEEPEST:
            raise self._wrong(f"{token} is nested deeper than {DEEPEST} times")
        self._place += 1
        if token.tag:
            return _tagged(token.text)
        if token.text == "not":
            return Not(self._one(depth + 1))
        if token.text == "(":
            return self._group(token, depth)
        raise self._wrong(
            f"{token} stands where a tag is expected" + ("; put quotes around it if it is one" * (token.text != ")"))
        )

    def _group(self, opened: _Token, depth: int) -> Rule:
        rule = self.either(depth + 1)
        if self._next() is None:
            raise self._wrong(f"{opened} is never closed; add a ')'")
        if not self._take(")"):
            self.end()
        return rule

    def _take(self, text: str) -> bool:
        token = self._next()
        found = token is not None and not token.tag and token.text == text
        self._place += found
        return found

    def _next(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _wrong(self, what: str) -> ValueError:
        return _wrong(self._text, what)


def _tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        kind = None if found is None else found.lastgroup
        if found is None or kind is None or kind == "open":
            raise _wrong(text, f"the quote at character {place + 1 + _blanks(text, place)} is never closed")
        written = found[kind]
        at, place = found.start(kind) - (kind in {"double", "single"}), found.end()
        if kind in {"double", "single"} and not written.strip():
            raise _wrong(text, f"the quotes at character {at + 1} hold no tag")
        if kind == "word" and written.lower() in _OPERATORS:
            yield _Token(at, written.lower(), tag=False)
        else:
            yield _Token(at, written.strip(), tag=kind != "mark")


def _blanks(text: str, place: int) -> int:
    return len(text[place:]) - len(text[place:].lstrip())


def _wrong(text: str, what: str) -> ValueError:
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return ValueError(f"{shown!r} is no rule for tags: {what}")
