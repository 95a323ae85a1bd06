"""Programs that ask the API, each with a token of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from digest.app import granting
from digest.editors.scopes import Scope
from tests.journeys.project import MONDAY, Project, article
from tests.web.conftest import Pages, pages_of
from tests.web.desk.conftest import ADA, EVERYBODY


def token_for(pages: Pages, *scopes: str, owner: str | None = None, days: int = 90) -> str:
    """A new token's secret."""
    return granting.grant(pages.app_now(), "The CMS", scopes or list(Scope), days, actor=owner or "test", owner=owner).secret


def ask(pages: Pages, token: str, method: str, path: str, **body: Any) -> httpx2.Response:
    """What a program asks with it."""
    headers = {"Authorization": f"Bearer {token}"}
    return pages.client.request(method, f"/api/v1{path}", headers=headers, json=body if method == "POST" else None)


@pytest.fixture
def pages(project: Project) -> Iterator[Pages]:
    """One issue went out; there is an admin."""
    project.offer(article("a", title="Alpha"), article("b", title="Beta", tags=("databases",)))
    project.run(MONDAY)
    with pages_of(project, **EVERYBODY) as made:
        yield made


__all__ = ["ADA", "ask", "token_for"]
