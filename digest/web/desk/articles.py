"""Articles at the desk: the catalogue, searched and filtered; one of them is featured, or withdrawn with a reason."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.app import handling
from digest.app.handling import LONGEST_REASON, By
from digest.catalogue.article import Article
from digest.catalogue.articles import articles_by_ids
from digest.catalogue.browsing import Standing, Wanted, browse
from digest.delivery.browsing import issues_with
from digest.editors.roles import Role
from digest.errors import UsageError
from digest.issues.topics import Sorter
from digest.settings import NewsletterSettings
from digest.web.desk.doors import Door, Visit
from digest.web.desk.issue import number_in
from digest.web.desk.listing import MOST, asked, number_of, one_of, turning

_LIST = "/editor/articles"
_ONE = f"{_LIST}/{{number}}"
SURE = "withdraw"
"""What is typed to withdraw an article: there is no way back."""


def doors() -> list[Door]:
    """The catalogue, and one article."""
    return [
        Door("GET", _LIST, Role.VIEWER, _list),
        Door("GET", _ONE, Role.VIEWER, _show),
        Door("POST", f"{_ONE}/feature", Role.EDITOR, _feature),
        Door("POST", f"{_ONE}/withdraw", Role.EDITOR, _withdraw),
    ]


def _list(visit: Visit) -> Response:
    query = asked(visit, "q", "source", "topic", "state")
    app, newsletters = visit.app, visit.app.newsletters(None)
    query["state"] = one_of(query["state"], Standing)
    with app.store.reading() as connection:
        wanted = Wanted(
            query["q"],
            query["source"],
            Standing(query["state"]) if query["state"] else None,
            number_in(visit.request.query_params.get("after", "")),
        )
        found = browse(connection, wanted, MOST, _under(newsletters, query["topic"]))
    return visit.page(
        "articles.html",
        found=found,
        topics={article.id: topics_of(newsletters, article) for article in found.rows},
        query=query,
        choices={one.slug: [(slug, one.topics[slug].title) for slug in one.offered] for one in newsletters},
        titles={one.slug: one.title for one in newsletters},
        sources=[(source.name, source.name) for source in app.settings.sources],
        standings=[(one.value, one.value) for one in Standing],
        turning=turning(visit, _LIST, query, found.after),
    )


def _under(newsletters: tuple[NewsletterSettings, ...], topic: str) -> Callable[[Article], bool]:
    """Whether an article belongs to a topic, named `newsletter/topic`; everything does where none is named."""
    slug, _, wanted = topic.partition("/")
    newsletter = next((one for one in newsletters if one.slug == slug), None)
    if newsletter is None:
        return lambda _: True
    sorter = Sorter(newsletter)
    return lambda article: wanted in sorter.topics_of(article.tags)


def topics_of(newsletters: tuple[NewsletterSettings, ...], article: Article) -> list[str]:
    """The titles of the topics that an article belongs to, over all newsletters, each once."""
    titles = (one.topics[slug].title for one in newsletters for slug in Sorter(one).topics_of(article.tags))
    return list(dict.fromkeys(titles))


def _show(visit: Visit) -> Response:
    return _page(visit)


def _page(visit: Visit, status: int = 200, *, wrong: str = "", said: tuple[str, ...] = ()) -> Response:
    number = number_of(visit)
    with visit.app.store.reading() as connection:
        article = articles_by_ids(connection, [number]).get(number)
        issues = issues_with(connection, number)
    if article is None:
        raise HTTPException(404)
    newsletters = visit.app.newsletters(None)
    return visit.page(
        "article.html",
        status,
        article=article,
        issues=issues,
        topics=topics_of(newsletters, article),
        may=visit.who.role.may(Role.EDITOR),
        sure=SURE,
        written=visit.form.text("reason") if wrong else "",
        longest=LONGEST_REASON,
        wrong=wrong,
        said=said,
    )


def _feature(visit: Visit) -> Response:
    number = number_of(visit)
    try:
        handling.feature(visit.app, number, visit.form.text("do") == "feature", by(visit))
    except UsageError:
        raise HTTPException(404) from None
    return visit.go(f"{_LIST}/{number}")


def _withdraw(visit: Visit) -> Response:
    number = number_of(visit)
    if visit.form.text("sure").casefold() != SURE:
        return _page(visit, 422, wrong=f"To be sure, type the word {SURE}. Nothing was changed.")
    try:
        why = handling.reason(visit.form.text("reason"), "withdrawn")
    except UsageError as error:
        return _page(visit, 422, wrong=str(error))
    try:
        done = handling.withdraw(visit.app, number, why, by(visit))
    except UsageError:
        raise HTTPException(404) from None
    return _page(
        visit,
        said=tuple(f"{one.issue.name} ({one.issue.state}): {one}" for one in done.touched)
        or ("No issue that is still to go out held it.",),
    )


def by(visit: Visit) -> By:
    """Who acts."""
    return By(visit.who.email, visit.network)
