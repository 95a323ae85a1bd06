"""A draft at the desk, and who works on it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import httpx2
from sqlalchemy import select

from digest.app import issuing
from digest.issues.issue import Issue, frozen_of
from digest.rendering.content import IssueContent
from digest.store import tables
from tests.journeys.project import MONDAY, Project, article
from tests.web.conftest import Pages
from tests.web.desk.conftest import Browser

AT = "/editor/issues/weekly/1"


@dataclass(slots=True)
class Draft:
    """`weekly/1` as somebody sees it in their browser."""

    pages: Pages
    browser: Browser

    @property
    def issue(self) -> Issue:
        """As it stands."""
        return issuing.named(self.pages.app_now(), "weekly/1")

    @property
    def content(self) -> IssueContent:
        """What was frozen of it."""
        with self.pages.app.store.reading() as connection:
            return frozen_of(connection, self.issue).content

    def number(self, title: str) -> int:
        """An article's."""
        row = tables.article.c
        with self.pages.app.store.reading() as connection:
            return int(connection.execute(select(row.id).where(row.title == title)).scalar_one())

    def page(self) -> str:
        """What they see."""
        return self.browser.get(AT).text

    def titles(self, text: str | None = None) -> list[str]:
        """The titles in a preview of the text part, in their order."""
        known = [one.title for one in self.content.articles]
        seen = text if text is not None else self.preview(part="text")
        return sorted((one for one in known if f"\n{one}\n" in seen or f"{one}\n" in seen), key=seen.index)

    def preview(self, **look: str) -> str:
        """What the frame shows."""
        answer = self.browser.client.get(f"{AT}/preview", params=look)
        assert answer.status_code == 200, answer.text
        return answer.text

    def change(self, do: str, revision: int | None = None, /, **texts: str) -> httpx2.Response:
        """Press a button."""
        return self.browser.post(f"{AT}/change", do=do, revision=str(revision or self.issue.revision), **texts)

    def decide(self, do: str, revision: int | None = None, /, **texts: str) -> httpx2.Response:
        """Press another one."""
        return self.browser.post(f"{AT}/decide", do=do, revision=str(revision or self.issue.revision), **texts)


def wrong_in(page: httpx2.Response) -> str:
    """What a page says is in the way."""
    found = re.findall(r'<(p|div) class="notice bad"[^>]*>(.*?)</\1>', page.text, re.DOTALL)
    return html.unescape(" ".join(text for _, text in found))


def offer(project: Project) -> None:
    """Articles of two topics, and one that belongs to none."""
    project.configure('approval = "automatic"', 'approval = "required"')
    project.offer(
        article("a", title="Alpha"),
        article("b", title="Beta"),
        article("c", title="Gamma", tags=("databases",)),
        article("d", title="Delta", tags=("databases",)),
        article("e", title="Epsilon", tags=("databases",)),
        article("z", title="Zeta", tags=("gardening",)),
    )
    for command in (("articles", "fetch"), ("issues", "draft", "weekly")):
        said = project.command(*command, "--now", MONDAY.isoformat())
        assert said.returncode == 0, said.stderr
