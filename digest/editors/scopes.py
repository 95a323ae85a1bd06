"""Scopes: what a program may do with a token of its own. Pure."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """Each stands for the routes that name it, and for no others; none holds another."""

    ISSUES_READ = "issues:read"
    STATS_READ = "stats:read"
    ARTICLES_READ = "articles:read"
    ARTICLES_WRITE = "articles:write"
    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"

    @property
    def allows(self) -> str:
        """What it allows, as a form says it."""
        return _ALLOWS[self]


_ALLOWS = {
    Scope.ISSUES_READ: "see the newsletters and their issues, drafts too",
    Scope.STATS_READ: "see the account of an issue: what was sent, opened, clicked",
    Scope.ARTICLES_READ: "see the catalogue",
    Scope.ARTICLES_WRITE: "feature articles, and withdraw them for good",
    Scope.SUBSCRIBERS_READ: "see everything that is known of one person",
    Scope.SUBSCRIBERS_WRITE: "add people, who are asked by mail whether they agree, and change what they get",
}
