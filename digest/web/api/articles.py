"""Articles: the catalogue, and what the publisher says of an article: that it is featured, or that it is withdrawn."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import HTTPException, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from digest.catalogue.articles import feature as mark
from digest.catalogue.articles import find_article, list_articles
from digest.delivery.withdrawal import withdraw as take_out
from digest.editors import audit
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
    with call.app.store.writing() as connection:
        _find(connection, wanted.article)
        found = mark(connection, wanted.article, wanted.featured)
        _write_down(connection, call, "featured an article" if wanted.featured else "no longer featured an article", found.title)
    return Marked(article=found.id, title=found.title, featured=wanted.featured)


def withdraw(request: Request, wanted: Named) -> Withdrawn:
    """Out of everything that has not been sent yet, approved issues too. There is no way back; again it changes nothing."""
    call = call_of(request)
    with call.app.store.writing() as connection:
        _find(connection, wanted.article)
        done = take_out(connection, wanted.article, actor=call.actor, now=call.app.now)
        _write_down(connection, call, "withdrew an article", done.article.title)
    touched = [Touched(issue=one.issue.name, sub_revision=one.issue.sub_revision, too_late=one.too_late) for one in done.touched]
    return Withdrawn(article=done.article.id, title=done.article.title, issues=touched)


def _find(connection: Connection, ref: str) -> None:
    """404 where nothing is known by that name, 422 where it names several."""
    try:
        find_article(connection, ref)
    except UsageError as error:
        raise HTTPException(422 if "say which" in str(error) else 404, str(error)) from None


def _write_down(connection: Connection, call: Call, act: str, about: str) -> None:
    audit.write_down(connection, audit.Line(call.app.now, call.actor, act, about, call.network))
