"""Articles: the catalogue, and what the publisher says of an article: that it is featured, or that it is withdrawn."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import HTTPException, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from digest.app import handling
from digest.app.handling import LONGEST_REASON, By
from digest.catalogue.articles import find_article, list_articles
from digest.editors.scopes import Scope
from digest.errors import UsageError
from digest.web.api.ways import Call, Way, call_of
from digest.web.forms import storable

_REFUSALS = {400: "No JSON at all", 404: "No article of that name", 413: "Too large", 422: "What cannot be read"}
_Ref = Annotated[str, AfterValidator(storable), Field(min_length=1, max_length=2000)]
_ARTICLE = {
    "id": 5,
    "arrival": 5,
    "title": "What an index costs",
    "url": "https://backend.example/what-an-index-costs",
    "tags": ["databases"],
    "published_at": "2026-11-20T08:00:00+00:00",
    "featured": True,
    "popularity": None,
    "withdrawn": False,
}


class Named(BaseModel):
    """An article that is meant."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    article: _Ref = Field(
        examples=["https://backend.example/what-an-index-costs"],
        description="Its number (`number:5`), its source's id (`SOURCE:5`), or its address.",
    )


class Featured(Named):
    """An article, and whether it is featured."""

    featured: bool = Field(True, description="Wins over what its source says.")


class Unwanted(Named):
    """An article that is taken out, and why."""

    reason: str = Field(
        "a program asked for it",
        min_length=1,
        max_length=LONGEST_REASON,
        description="It stands in the history of each issue that leaves it out.",
    )


class Touched(BaseModel):
    """An issue that is frozen already, and what the withdrawal does to it."""

    issue: str = Field(examples=["weekly/12"])
    sub_revision: int
    too_late: int = Field(description="To so many readers it had gone out before.")


class Withdrawn(BaseModel):
    """What was withdrawn, and from where."""

    article: int
    title: str
    issues: list[Touched]


class Marked(BaseModel):
    """What was marked."""

    article: int
    title: str
    featured: bool


def ways() -> list[Way]:
    """The catalogue, and two things to do in it."""
    read, write = Scope.ARTICLES_READ, Scope.ARTICLES_WRITE
    return [
        Way("GET", "/articles", read, articles, "Articles, the newest first", {422: "What cannot be read"}, example=[_ARTICLE]),
        Way("POST", "/articles/feature", write, feature, "Feature an article, or no longer", _REFUSALS),
        Way("POST", "/articles/withdraw", write, withdraw, "Withdraw an article for good", _REFUSALS),
    ]


def articles(
    request: Request,
    source: Annotated[str, Query(max_length=200, description="Of this source alone.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[dict[str, Any]]:
    """As `digest articles list --json` says it."""
    with call_of(request).app.store.reading() as connection:
        found = list_articles(connection, source=storable(source) or None, limit=limit)
    return [one.to_json() for one in found]


def feature(request: Request, wanted: Featured) -> Marked:
    """Whatever its source says; the next draft goes by it."""
    call = call_of(request)
    found = handling.feature(call.app, _number(call, wanted.article), wanted.featured, By(call.actor, call.network))
    return Marked(article=found.id, title=found.title, featured=wanted.featured)


def withdraw(request: Request, wanted: Unwanted) -> Withdrawn:
    """Out of everything that has not been sent yet, approved issues too. There is no way back; again it changes nothing."""
    call = call_of(request)
    done = handling.withdraw(call.app, _number(call, wanted.article), wanted.reason, By(call.actor, call.network))
    touched = [Touched(issue=one.issue.name, sub_revision=one.issue.sub_revision, too_late=one.too_late) for one in done.touched]
    return Withdrawn(article=done.article.id, title=done.article.title, issues=touched)


def _number(call: Call, ref: str) -> int:
    """The row's; 404 where nothing is known by that name, 422 where it names several."""
    try:
        with call.app.store.reading() as connection:
            return find_article(connection, ref).id
    except UsageError as error:
        raise HTTPException(422 if "say which" in str(error) else 404, str(error)) from None
