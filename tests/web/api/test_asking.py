"""What a publisher's other program asks of the API, and does with it: what the command line says and does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from digest.web.api.ways import MOST_A_MINUTE
from tests.journeys.project import MONDAY
from tests.web.api.conftest import ask, token_for
from tests.web.conftest import Pages
from tests.web.desk.conftest import ADA, newcomer
from tests.web.desk.examples import signed_in

EVE = "eve@new.example"


def command(pages: Pages, *words: str) -> Any:
    """What the command line says of the same."""
    return json.loads(pages.project.command(*words, "--json").stdout)


def test_it_reads_what_the_command_line_says(pages: Pages) -> None:
    token = token_for(pages)
    assert ask(pages, token, "GET", "/newsletters").json()[0]["slug"] == "weekly"
    (issue,) = ask(pages, token, "GET", "/issues?newsletter=weekly").json()
    assert (issue["issue"], issue["state"]) == ("weekly/1", "sent")
    shown = ask(pages, token, "GET", "/issues/weekly/1").json()
    assert shown["decisions"] == command(pages, "issues", "show", "weekly/1")["decisions"]
    assert ask(pages, token, "GET", "/issues/weekly/1/stats").headers["content-type"] == "application/json"
    stats = ask(pages, token, "GET", "/issues/weekly/1/stats").json()
    assert stats == command(pages, "stats", "weekly/1")
    assert sum(stats["account"].values()) == stats["audience"] == 2
    assert [one["title"] for one in ask(pages, token, "GET", "/articles?limit=1").json()] == ["Beta"]
    assert len(ask(pages, token, "GET", "/articles").json()) == len(command(pages, "articles", "list")) == 2


def test_it_features_and_withdraws_articles(pages: Pages) -> None:
    token = token_for(pages, "articles:write", "articles:read")
    (alpha,) = [one for one in ask(pages, token, "GET", "/articles").json() if one["title"] == "Alpha"]
    for on in (True, False):
        done = ask(pages, token, "POST", "/articles/feature", article=alpha["url"], featured=on)
        assert done.json() == {"article": alpha["id"], "title": "Alpha", "featured": on}
    for _ in range(2):  # again it changes nothing
        assert (
            ask(
                pages, token, "POST", "/articles/withdraw", article=f"number:{alpha['id']}", reason="the author asked for it"
            ).json()["issues"]
            == []
        )
    assert [one["withdrawn"] for one in ask(pages, token, "GET", "/articles").json()] == [False, True]
    assert ask(pages, token, "POST", "/articles/withdraw", article="number:99").status_code == 404
    assert ask(pages, token, "POST", "/articles/withdraw", article="number:1", reason="").status_code == 422
    audit = signed_in(pages, ADA).get("/editor/audit").text
    assert f"withdrew: <bdi>article {alpha['id']}: the author asked for it</bdi>" in audit
    assert "<bdi>The CMS (token 1)</bdi>" in audit


def test_whom_it_adds_is_asked_by_mail_and_gets_nothing_before(pages: Pages) -> None:
    token = token_for(pages, "subscribers:write", "subscribers:read")
    answer = ask(pages, token, "POST", "/subscribers", email=EVE, topics=["python"], name="Eve", wording="Yes, weekly!")
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in ("outcome", "state", "topics", "written")} == {
        "outcome": "added",
        "state": "pending",
        "topics": "python",
        "written": True,
    }
    known = ask(pages, token, "POST", "/subscribers/show", email=EVE).json()
    said = command(pages, "subscribers", "show", EVE)
    assert known.keys() == said.keys()
    assert known["subscriptions"][0]["state"] == said["subscriptions"][0]["state"] == "pending"
    assert [(one["act"], one["source"], one["wording"]) for one in known["consent"]] == [("added", "program", "Yes, weekly!")]
    assert [one["kind"] for one in known["letters"]] == ["confirm"]
    again = ask(pages, token, "POST", "/subscribers", email=EVE).json()
    assert (again["outcome"], again["written"]) == ("unchanged", False)  # at most one mail in an hour


def test_no_token_vouches_for_anybody(pages: Pages) -> None:
    token = token_for(pages, "subscribers:write")
    assert ask(pages, token, "POST", "/subscribers", email=EVE, confirmed=True).status_code == 422
    pages.project.command("subscribers", "leave", "ann@x.example", "--now", MONDAY.isoformat())
    answer = ask(pages, token, "POST", "/subscribers", email="ann@x.example").json()
    assert (answer["outcome"], answer["state"], answer["written"]) == ("kept_away", "unsubscribed", False)


WRONG: list[tuple[str, str, dict[str, Any], int, str | None]] = [
    ("GET", "/issues/weekly/9", {}, 404, None),
    ("GET", "/issues/weekly/one", {}, 404, None),
    ("GET", "/issues/nope/1/stats", {}, 404, None),
    ("GET", "/issues?newsletter=nope", {}, 422, None),
    ("GET", "/issues?limit=many", {}, 422, "query.limit"),
    ("GET", "/articles?limit=0", {}, 422, "query.limit"),
    ("POST", "/articles/feature", {}, 422, "body.article"),
    ("POST", "/subscribers", {"email": "eve"}, 422, None),
    ("POST", "/subscribers", {"email": EVE, "topics": ["nope"]}, 422, None),
    ("POST", "/subscribers", {"email": EVE, "newsletter": "nope"}, 422, None),
    ("POST", "/subscribers/show", {"email": EVE}, 404, None),
    ("POST", "/nothing", {}, 404, None),
    ("PUT", "/issues", {}, 405, None),
]


def test_what_goes_wrong_is_said_in_one_shape(pages: Pages) -> None:
    token = token_for(pages)
    for method, path, body, status, where in WRONG:
        answer = ask(pages, token, method, path, **body)
        problem = answer.json()
        assert answer.status_code == problem["status"] == status, path
        assert problem.keys() == {"status", "title", "detail", "errors"}
        assert problem["detail"]
        assert [one["where"] for one in problem["errors"]] == ([where] if where else [])


@pytest.mark.sqlite
def test_a_token_asks_so_often_in_a_minute_and_no_other_is_held_up(pages: Pages) -> None:
    busy, other = token_for(pages), token_for(pages)
    found = [ask(pages, busy, "GET", "/newsletters") for _ in range(MOST_A_MINUTE + 1)]
    assert {answer.status_code for answer in found[:-1]} == {200}
    assert found[-1].status_code == 429
    assert 1 <= int(found[-1].headers["retry-after"]) <= 60
    assert ask(pages, other, "GET", "/newsletters").status_code == 200


@pytest.mark.sqlite
def test_its_description_says_what_each_route_needs_and_how_it_answers(pages: Pages) -> None:
    found = newcomer(pages).get("/api/v1/openapi.json").json()
    for path, methods in found["paths"].items():
        for one in methods.values():
            assert ("401" in one["responses"]) is ("security" in one) is ("Needs the scope" in one["description"]), path
            good = one["responses"].get("200") or one["responses"]["202"]
            assert "content" in good
    assert found["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
