"""Leaving by a link: one click of a mail program, and the buttons of a page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from digest.app.erasing import erase
from digest.audience import leaving
from digest.audience.consent import Act, Source, evidence_of
from digest.audience.people import subscribe
from digest.audience.subscription import SubscriptionState
from digest.audience.suppression import EVERYTHING, suppress
from digest.audience.tokens import Purpose, derive_key, make_token
from digest.store import tables
from tests.journeys.project import MONDAY, Project
from tests.web.conftest import Pages, pages_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ACTIVE, LEFT = SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED
BOUNDARY = "multipart/form-data; boundary=b"
BODIES = {
    "urlencoded": (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
    "among others": (b"x=1&List-Unsubscribe=One-Click&what=undo", "application/x-www-form-urlencoded"),
    "multipart": (b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n', BOUNDARY),
    "multipart, last": (
        (
            b'--b\r\nContent-Disposition: form-data; name="y"\r\n\r\n1\r\n'
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
        ),
        BOUNDARY,
    ),
    "multipart, cut off": (b'--b\r\nContent-Disposition: form-data; name="List-Unsub', BOUNDARY),
    "no boundary": (b"List-Unsubscribe=One-Click", "multipart/form-data"),
    "empty": (b"", "application/x-www-form-urlencoded"),
    "no kind": (b"List-Unsubscribe=One-Click", ""),
    "json": (b'{"List-Unsubscribe": "One-Click"', "application/json"),
    "not text": (b"\xff\xfe\x00&%zz=%", "application/x-www-form-urlencoded; charset=nonsense"),
    "far too large": (b"a=" + b"x" * 200_000, "application/x-www-form-urlencoded"),
}


def everything(pages: Pages) -> str:
    """All that the database holds, as text."""
    with pages.app.store.reading() as connection:
        return str([connection.execute(select(table)).all() for table in tables.metadata.sorted_tables])


@pytest.mark.parametrize("body", BODIES)
def test_one_click_unsubscribes_whatever_its_body_is_like(pages: Pages, body: str) -> None:
    content, kind = BODIES[body]
    answer = pages.client.post(
        f"/unsubscribe/{pages.token('ann@x.example')}", content=content, headers={"Content-Type": kind} if kind else {}
    )
    assert (answer.status_code, answer.text) == (200, "You are unsubscribed.\n")
    assert pages.subscription("ann@x.example").state is LEFT
    assert pages.subscription("bob@x.example").state is ACTIVE


def test_one_click_answers_the_same_for_all_and_says_nothing_of_who_is_known(pages: Pages) -> None:
    known, erased = pages.token("ann@x.example"), pages.token("bob@x.example")
    erase(pages.app, "bob@x.example")
    strange = make_token(derive_key("another secret"), Purpose.UNSUBSCRIBE, 1)
    never = make_token(pages.app.key, Purpose.UNSUBSCRIBE, 4711)
    other = make_token(pages.app.key, Purpose.PREFERENCES, 1)
    seen = set()
    for token in (known, known, erased, strange, never, other, "x", "%00", "a" * 500):
        answer = pages.client.post(f"/unsubscribe/{token}", data=ONE_CLICK)
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        assert "set-cookie" not in headers
        seen.add((answer.status_code, answer.text, str(sorted(headers.items()))))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 200
    pages_shown = {pages.client.get(f"/unsubscribe/{token}").text.replace(token, "") for token in (erased, strange, never)}
    assert len(pages_shown) == 1


@pytest.mark.parametrize("form", [ONE_CLICK, {"what": "newsletter"}])
def test_again_it_changes_nothing(pages: Pages, form: dict[str, str]) -> None:
    token = pages.token("ann@x.example")
    pages.client.post(f"/unsubscribe/{token}", data=form)
    before = everything(pages)
    pages.times.append(MONDAY + timedelta(hours=1))
    assert pages.client.post(f"/unsubscribe/{token}", data=form).status_code == 200
    assert everything(pages) == before


def test_a_slash_at_the_end_is_no_redirect(pages: Pages) -> None:
    assert pages.client.post(f"/unsubscribe/{pages.token('ann@x.example')}/", data=ONE_CLICK).status_code == 200
    assert pages.subscription("ann@x.example").state is LEFT


def test_looking_ten_times_changes_nothing(pages: Pages) -> None:
    token = pages.token("ann@x.example")
    before = everything(pages)
    for _ in range(10):
        for path in (f"/unsubscribe/{token}", f"/unsubscribe/{token}/python", f"/unsubscribe/{token}?what=newsletter"):
            assert pages.client.get(path).status_code == 200
            head = pages.client.head(path)
            assert (head.status_code, head.content) == (200, b"")
    assert everything(pages) == before


def test_the_page_has_a_button_for_the_newsletter_for_each_topic_and_changes_what_is_pressed(pages: Pages) -> None:
    token = pages.token("bob@x.example")
    shown = pages.client.get(f"/unsubscribe/{token}").text
    assert [word for word in ("topic databases", "topic python", "topic security") if f'value="{word}"' in shown] == [
        "topic databases",
        "topic python",
    ]
    assert 'value="everything"' not in shown  # there is nothing else
    pages.client.post(f"/unsubscribe/{token}", data={"what": "topic python"})
    assert (pages.subscription("bob@x.example").topics, pages.subscription("bob@x.example").state) == ("databases", ACTIVE)
    pages.client.post(f"/unsubscribe/{token}", data={"what": "topic databases"})
    assert pages.subscription("bob@x.example").state is LEFT


def test_a_link_for_one_topic_leaves_that_topic_by_one_click(pages: Pages) -> None:
    token = pages.token("bob@x.example")
    assert pages.client.post(f"/unsubscribe/{token}/python", data=ONE_CLICK).text == "You are unsubscribed.\n"
    assert pages.client.post(f"/unsubscribe/{token}/nonsense", data=ONE_CLICK).text == "You are unsubscribed.\n"
    assert (pages.subscription("bob@x.example").topics, pages.subscription("bob@x.example").state) == ("databases", ACTIVE)


def test_everything_ends_every_newsletter_and_undo_brings_all_of_it_back(project: Project) -> None:
    project.configure("[delivery]", '[[newsletters]]\nslug = "other"\ntitle = "Other"\nschedule = "0 9 * * 2"\n'
                      '[newsletters.topics]\na = { title = "A", tags = ["a"] }\n\n[delivery]')  # fmt: skip
    with pages_of(project) as pages:
        with pages.app.store.writing() as connection:
            subscribe(connection, pages.app.newsletter("other"), "ann@x.example", confirmed=True, now=MONDAY)
        token = pages.token("ann@x.example")
        assert 'value="everything"' in pages.client.get(f"/unsubscribe/{token}").text
        pages.client.post(f"/unsubscribe/{token}", data={"what": "everything"})
        assert {pages.subscription("ann@x.example", slug).state for slug in ("weekly", "other")} == {LEFT}
        pages.times.append(MONDAY + timedelta(minutes=1))
        assert "You are subscribed as before." in pages.client.post(f"/unsubscribe/{token}", data={"what": "undo"}).text
        assert {pages.subscription("ann@x.example", slug).state for slug in ("weekly", "other")} == {ACTIVE}


def test_undo_gives_back_exactly_what_was_left_for_a_day_and_once(pages: Pages) -> None:
    token = pages.token("bob@x.example")
    before = pages.subscription("bob@x.example")
    pages.client.post(f"/unsubscribe/{token}", data=ONE_CLICK)
    assert 'value="undo"' in pages.client.get(f"/unsubscribe/{token}").text
    pages.times.append(MONDAY + timedelta(hours=23))
    pages.client.post(f"/unsubscribe/{token}", data={"what": "undo"})
    assert pages.subscription("bob@x.example") == before
    assert "cannot be undone" not in pages.client.get(f"/unsubscribe/{token}").text
    pages.client.post(f"/unsubscribe/{token}", data={"what": "newsletter"})
    pages.times.append(MONDAY + timedelta(hours=48))
    assert "cannot be undone" in pages.client.post(f"/unsubscribe/{token}", data={"what": "undo"}).text
    assert pages.subscription("bob@x.example").state is LEFT


@pytest.mark.parametrize("what", ["newsletter", "topic python"])
def test_what_a_report_ended_or_a_complaint_shut_is_not_undone(pages: Pages, what: str) -> None:
    token = pages.token("bob@x.example")
    pages.client.post(f"/unsubscribe/{token}", data={"what": what})
    with pages.app.store.writing() as connection:
        if what == "newsletter":
            suppress(connection, "bob@x.example", EVERYTHING, reason="complained", source="test", now=MONDAY)
        else:
            leaving.end(connection, pages.subscription("bob@x.example").id, now=MONDAY)
    before = pages.subscription("bob@x.example")
    assert 'value="undo"' not in pages.client.get(f"/unsubscribe/{token}").text
    assert "cannot be undone" in pages.client.post(f"/unsubscribe/{token}", data={"what": "undo"}).text
    assert pages.subscription("bob@x.example") == before
    assert before.state is LEFT


def test_who_never_confirmed_is_no_subscriber_after_undo(project: Project) -> None:
    project.join("eve@x.example", sure=False)
    with pages_of(project) as pages:
        token = pages.token("eve@x.example")
        for what in ("newsletter", "undo"):
            pages.client.post(f"/unsubscribe/{token}", data={"what": what})
        assert pages.subscription("eve@x.example").state is SubscriptionState.PENDING


def test_leaving_is_evidence_with_what_did_it_and_from_where_but_no_whole_address(pages: Pages) -> None:
    token = pages.token("ann@x.example")
    pages.client.post(f"/unsubscribe/{token}", data=ONE_CLICK)
    pages.client.post(f"/unsubscribe/{token}", data={"what": "undo"})
    person = pages.person("ann@x.example")
    assert person is not None
    with pages.app.store.reading() as connection:
        lines = evidence_of(connection, person.id)
    assert [(one.act, one.source, one.at) for one in lines[1:]] == [
        (Act.LEFT, Source.ONE_CLICK, MONDAY),
        (Act.RETURNED, Source.PAGE, MONDAY),
    ]
    erase(pages.app, "ann@x.example")
    with pages.app.store.reading() as connection:
        assert evidence_of(connection, person.id) == ()


def test_a_link_signed_with_a_former_secret_still_unsubscribes(project: Project) -> None:
    with pages_of(project) as pages:
        old = pages.token("ann@x.example")
        secret = pages.app.settings.secret_key.get_secret_value()
    changed = {"DIGEST_SECRET_KEY": "n" * 40, "DIGEST_FORMER_SECRET_KEYS": f'["{"o" * 40}", "{secret}"]'}
    with pages_of(project, **changed) as pages:
        assert pages.token("ann@x.example") != old
        pages.client.post(f"/unsubscribe/{old}", data=ONE_CLICK)
        assert pages.subscription("ann@x.example").state is LEFT


def test_the_page_speaks_the_readers_language_or_the_browsers(pages: Pages) -> None:
    token = pages.token("ann@x.example")
    german = pages.client.get(f"/unsubscribe/{token}", headers={"Accept-Language": "xx, de-CH;q=0.9, en;q=0.8"})
    assert german.headers["content-language"] == "de-CH"
    assert "<title>Abbestellen" in german.text
    assert "Oder ein Thema abbestellen" in german.text
    arabic = pages.client.get(f"/unsubscribe/{token}", headers={"Accept-Language": "ar"})
    assert '<html lang="ar" dir="rtl">' in arabic.text
