"""What stops an issue, and what is only said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from digest.checks.finding import Finding, Severity
from digest.checks.issue_checks import CLIPPED_AT, NEARLY_CLIPPED_AT, check
from digest.rendering.assemble import assemble
from digest.rendering.blocks import render_blocks
from digest.rendering.content import IssueContent
from digest.rendering.rendition import Rendition, Slotted
from tests.rendering.sample import ARRANGEMENT, CONTENT, shipped

RENDITION = assemble(render_blocks(shipped(), CONTENT), ARRANGEMENT, issue="weekly/12", number=1, content=CONTENT)
CLEAN = replace(
    CONTENT,
    subject="Short enough",
    articles=tuple(replace(one, image=None, title="Plain", summary="Plain") for one in CONTENT.articles),
)
ERROR, WARNING = Severity.ERROR, Severity.WARNING


def found(rendition: Rendition = RENDITION, content: IssueContent = CLEAN) -> list[tuple[Severity, str]]:
    return [(one.severity, one.where) for one in check(rendition, content)]


def sized(many: int) -> Rendition:
    html = RENDITION.html
    filler = "x" * (many - len("".join(html.literals).encode()))
    return replace(RENDITION, html=Slotted((html.literals[0] + filler, *html.literals[1:]), html.slots))


def without(part: Slotted, slot: str) -> Slotted:
    literals, slots = [part.literals[0]], []
    for name, literal in zip(part.slots, part.literals[1:], strict=True):
        if name == slot:
            literals[-1] += literal
        else:
            literals.append(literal)
            slots.append(name)
    return Slotted(tuple(literals), tuple(slots))


def test_the_shipped_template_with_plain_articles_has_nothing_against_it() -> None:
    assert found(replace(RENDITION, subject="Short enough")) == []


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (" ", (ERROR, "subject")),
        ("News {{ issue.number }}", (ERROR, "subject")),
        ("x" * 79, (WARNING, "subject")),
        ("x" * 78, None),
    ],
)
def test_a_subject_is_there_filled_in_and_short(subject: str, expected: tuple[Severity, str] | None) -> None:
    assert found(replace(RENDITION, subject=subject)) == ([] if expected is None else [expected])


def test_both_parts_need_a_way_out() -> None:
    bare = replace(RENDITION, subject="S", html=without(RENDITION.html, "unsubscribe_url"))
    assert found(bare) == [(ERROR, "html part")]
    bare = replace(RENDITION, subject="S", text=without(RENDITION.text, "unsubscribe_url"))
    assert found(bare) == [(ERROR, "text part")]


def test_the_postal_address_must_stand_in_the_text_and_the_publishers_name_is_not_enough() -> None:
    address = replace(CLEAN, site=replace(CLEAN.site, postal_address="Example Engineering\n99 Elsewhere Road"))
    assert found(replace(RENDITION, subject="S"), address) == [(ERROR, "text part")]


@pytest.mark.parametrize(
    ("many", "said"), [(NEARLY_CLIPPED_AT - 1, ""), (NEARLY_CLIPPED_AT, "clips at about"), (CLIPPED_AT, "Gmail clips it")]
)
def test_what_gmail_would_clip_is_said(many: int, said: str) -> None:
    findings = check(replace(sized(many), subject="S"), CLEAN)
    assert [said in one.what for one in findings] == ([True] if said else [])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda content: replace(content, articles=(replace(content.articles[0], title="Lorem Ipsum"),)), "article 1"),
        (
            lambda content: replace(content, articles=(replace(content.articles[0], image="https://i.example/p.png"),)),
            "article 1",
        ),
        (lambda content: replace(content, site=replace(content.site, public_url="http://n.example")), "site.public_url"),
    ],
)
def test_what_is_odd_is_a_warning(change: Callable[[IssueContent], IssueContent], where: str) -> None:
    content = change(replace(CLEAN, articles=(replace(CLEAN.articles[0], image_alt=None), *CLEAN.articles[1:])))
    assert found(replace(RENDITION, subject="S"), content) == [(WARNING, where)]


def test_errors_come_first_and_each_finding_is_one_line_that_says_how_to_mend_it() -> None:
    bad = replace(CLEAN, site=replace(CLEAN.site, public_url="http://n.example"))
    findings = check(replace(RENDITION, subject="", html=without(RENDITION.html, "unsubscribe_url")), bad)
    assert [one.severity for one in findings] == [ERROR, ERROR, WARNING]
    assert str(Finding(ERROR, "subject", "it is empty", "set it")) == "subject: it is empty; set it"
    assert all("\n" not in str(one) and one.mend for one in findings)
