"""A mail that nothing is wrong with, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from digest.checks.issue_checks import check
from digest.checks.mail import Mail, write_mail
from digest.rendering.assemble import assemble
from digest.rendering.content import ArticleContent, IssueContent
from digest.rendering.render import render_blocks
from digest.rendering.rendition import Rendition, Slotted
from digest.settings.checks import Checks
from tests.rendering.sample import ARRANGEMENT, CONTENT, article, shipped

ARTICLES = tuple(
    article(number, f"A title of article {number}", f"What article {number} says.", "Ana Kovač", 5, image_alt=f"Picture {number}")
    for number in (1, 2, 3, 4, 5, 11)
)
SOUND = replace(CONTENT, subject="Back-end Weekly: short enough", articles=ARTICLES)


def rendered(content: IssueContent = SOUND) -> Rendition:
    """The rendition of an issue by the shipped template."""
    return assemble(render_blocks(shipped(), content), ARRANGEMENT, issue="weekly/12", number=1, content=content)


RENDITION = rendered()


def with_article(**changes: Any) -> IssueContent:
    """The sound issue with another first article."""
    first: ArticleContent = replace(ARTICLES[0], **changes)
    return replace(SOUND, articles=(first, *ARTICLES[1:]))


def a_mail(content: IssueContent = SOUND, rendition: Rendition | None = None, **known: Any) -> Mail:
    """The mail of an issue, rendered anew where that is another one than the sound one."""
    made = rendition or (RENDITION if content is SOUND else rendered(content))
    return replace(write_mail(made, content), **known)


def spoilt(part: str, before: str, after: str, many: int = -1) -> Mail:
    """The sound mail with something else in one of its parts, `html` or `text`."""
    slotted: Slotted = getattr(RENDITION, part)
    assert before in "".join(slotted.literals)
    literals = tuple(literal.replace(before, after, many) for literal in slotted.literals)
    return with_part(part, Slotted(literals, slotted.slots))


def without_slot(part: str, slot: str) -> Mail:
    """The sound mail, one of whose parts lacks a personal value."""
    slotted: Slotted = getattr(RENDITION, part)
    literals, slots = [slotted.literals[0]], []
    for name, literal in zip(slotted.slots, slotted.literals[1:], strict=True):
        if name == slot:
            literals[-1] += literal
        else:
            literals.append(literal)
            slots.append(name)
    return with_part(part, Slotted(tuple(literals), tuple(slots)))


def with_part(part: str, slotted: Slotted) -> Mail:
    """The sound mail with another `html` or `text`."""
    made = replace(RENDITION, html=slotted) if part == "html" else replace(RENDITION, text=slotted)
    return a_mail(rendition=made)


def found(mail: Mail, weights: Checks | None = None) -> dict[str, list[str]]:
    """What is said of a mail, by the check's name."""
    said: dict[str, list[str]] = {}
    for finding in check(mail, weights or Checks()):
        said.setdefault(finding.check, []).append(f"{finding.where}: {finding.what}")
    return said
