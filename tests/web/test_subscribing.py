"""Signing up: whoever asks sees the same, and nobody is subscribed before the mail is answered."""

from __future__ import annotations

import json
import logging
import random
import re
import secrets
import tracemalloc
from datetime import timedelta
from hashlib import sha256
from html import unescape
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import func, select

from digest.app import signing_up
from digest.app.carrying import forget_old, send_letters
from digest.app.examining import examine
from digest.app.signing_up import SignUp
from digest.audience.consent import Evidence, Source
from digest.audience.proving import HIGHEST, USUAL, is_proof
from digest.audience.subscription import SubscriptionState
from digest.audience.suppression import EVERYTHING, suppress
from digest.store import tables
from digest.store.database import Store
from tests.journeys.project import MONDAY, Project
from tests.web.conftest import Pages, pages_of
from tests.web.test_unsubscribing import everything

EVE = "eve@new.example"
_GOOD = (1 << 256 - USUAL.bits).to_bytes(32, "big")


def solve(challenge: str) -> str:
    """What the page's script does; of some 30,000 numbers only the last is asked about by the function that judges it."""
    begun = sha256(f"{challenge}.".encode())
    for number in range(2**24):
        tried = begun.copy()
        tried.update(b"%d" % number)
        if tried.digest() < _GOOD:
            break
    assert is_proof(challenge, str(number))
    return str(number)


def ask(pages: Pages, email: str, **fields: str | list[str]) -> Any:
    """Fill in the form and press the button, as a browser with its script does."""
    challenge = re.findall(r'name="challenge" value="([^"]+)"', pages.client.get("/subscribe").text)[0]
    form = {"newsletter": "weekly", "email": email, "challenge": challenge, "proof": solve(challenge)}
    return pages.client.post("/subscribe", data=form | fields)


def confirm_link(pages: Pages, email: str = EVE) -> str:
    """The link in the newest letter to somebody, once it is sent."""
    send_letters(pages.app_now())
    return pages.link_in(pages.project.mails(email)[-1], "confirm")


def test_from_the_form_by_the_mail_to_a_subscription(pages: Pages) -> None:
    answer = ask(pages, "Eve@new.example", topic=["python", "security"], timezone="Europe/Berlin")
    assert "a mail is on its way" in answer.text
    assert pages.person(EVE) is None
    link = confirm_link(pages)
    (mail,) = pages.project.mails(EVE)
    assert mail["Subject"] == "Please confirm: Backend Weekly"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "It will bring you: Python and Security." in plain.get_content()
    before = everything(pages)
    for _ in range(10):
        assert pages.client.get(link).status_code == pages.client.head(link).status_code == 200
    assert everything(pages) == before
    assert "You are subscribed" in pages.client.post(link).text
    person, found = pages.person(EVE), pages.subscription(EVE)
    assert person is not None
    assert (person.email, person.timezone, person.language) == ("Eve@new.example", "Europe/Berlin", "en")
    assert (found.state, found.topics, found.confirmed_at) == (SubscriptionState.ACTIVE, "python security", MONDAY)


def test_what_was_agreed_to_is_kept_with_its_words_and_shown(pages: Pages) -> None:
    ask(pages, EVE)
    link = confirm_link(pages)
    pages.times.append(MONDAY + timedelta(hours=3))
    pages.client.post(link)
    shown = json.loads(pages.project.command("subscribers", "show", EVE, "--json").stdout)["consent"]
    assert [(one["act"], one["source"], one["at"][:13]) for one in shown] == [
        ("confirmed", "page", "2026-11-23T12"),
        ("asked", "page", "2026-11-23T09"),
    ]
    assert shown[1]["wording"].startswith("I want Backend Weekly of Backend Notes by e-mail, until I unsubscribe.")
    assert shown[1]["wording_version"] == "1"
    assert "confirmed by page" in pages.project.command("subscribers", "show", EVE).stdout


def test_confirming_twice_changes_nothing_and_does_not_bring_back_who_left(pages: Pages) -> None:
    ask(pages, EVE)
    link = confirm_link(pages)
    pages.client.post(link)
    before = everything(pages)
    assert "You are subscribed" in pages.client.post(link).text
    assert everything(pages) == before
    pages.client.post(f"/unsubscribe/{pages.token(EVE)}")
    pages.client.post(link)
    assert pages.subscription(EVE).state is SubscriptionState.UNSUBSCRIBED


def test_who_left_with_another_tool_comes_back_by_the_mail(pages: Pages) -> None:
    file = pages.project.folder / "left.csv"
    file.write_text(f"email\n{EVE}\n", encoding="utf-8")
    taken = ("subscribers", "import", "left.csv", "--status", "unsubscribed")
    assert pages.project.command(*taken).returncode == 0
    assert pages.subscription(EVE).state is SubscriptionState.UNSUBSCRIBED
    ask(pages, EVE, topic=["python"])
    assert "You are subscribed" in pages.client.post(confirm_link(pages)).text
    found = pages.subscription(EVE)
    assert (found.state, found.topics) == (SubscriptionState.ACTIVE, "python")
    assert "1 stay" in pages.project.command(*taken).stdout
    assert pages.subscription(EVE) == found


def test_a_link_is_over_after_a_week_and_then_nothing_is_known_of_who_never_answered(pages: Pages) -> None:
    ask(pages, EVE)
    link = confirm_link(pages)
    pages.times.append(MONDAY + timedelta(days=7))
    assert pages.client.get(link).status_code == pages.client.post(link).status_code == 404
    assert pages.person(EVE) is None
    pages.times.append(MONDAY + timedelta(days=9))
    forget_old(pages.app_now())
    assert "eve@" not in everything(pages)


@pytest.mark.parametrize("token", ["x", "a" * 40, "%00", "unsubscribe"])
def test_no_other_token_confirms(pages: Pages, token: str) -> None:
    ask(pages, EVE)
    known = pages.token("ann@x.example") if token == "unsubscribe" else token
    assert pages.client.post(f"/confirm/{known}").status_code == 404
    assert pages.person(EVE) is None


def test_whoever_asks_sees_the_same_whatever_is_known_of_an_address(project: Project) -> None:
    project.join("gone@x.example")
    project.leave("gone@x.example")
    project.join("never@x.example", sure=False)
    with pages_of(project) as pages:
        with pages.app.store.writing() as connection:
            suppress(connection, "shut@x.example", EVERYTHING, reason="complained", source="test", now=MONDAY)
        emails = ("ann@x.example", "gone@x.example", "never@x.example", "shut@x.example", EVE, EVE, EVE)
        before = everything(pages)
        answers = [ask(pages, email) for email in emails]
        shown = {(one.status_code, one.text.replace(email, "")) for one, email in zip(answers, emails, strict=True)}
        assert len(shown) == 1
        assert _states(pages) == {
            "ann@x.example": "active",
            "bob@x.example": "active",
            "gone@x.example": "unsubscribed",
            "never@x.example": "pending",
        }
        assert before != everything(pages)
        send_letters(pages.app)
        assert {email: len(project.mails(email)) for email in emails} == {
            "ann@x.example": 1,
            "gone@x.example": 1,
            "never@x.example": 1,
            "shut@x.example": 0,
            EVE: 1,
        }


def _states(pages: Pages) -> dict[str, str]:
    with pages.app.store.reading() as connection:
        joined = tables.subscription.join(tables.subscriber)
        rows = connection.execute(select(tables.subscriber.c.email, tables.subscription.c.state).select_from(joined))
        return {row.email: row.state for row in rows}


def test_a_stranger_cannot_change_what_somebody_gets(pages: Pages) -> None:
    before = pages.subscription("bob@x.example")
    ask(pages, "bob@x.example", topic="security", timezone="Asia/Tokyo")
    assert pages.subscription("bob@x.example") == before
    pages.client.post(confirm_link(pages, "bob@x.example"))
    assert (pages.subscription("bob@x.example").topics, pages.subscription("bob@x.example").coverage) == (
        "security",
        before.coverage,
    )


def test_an_address_that_is_asked_for_ten_times_gets_one_mail_an_hour_and_five_a_day(pages: Pages) -> None:
    for hour in range(12):
        pages.times.append(MONDAY + timedelta(minutes=61 * hour))
        for _ in range(2):
            assert "a mail is on its way" in ask(pages, EVE).text
        send_letters(pages.app_now())
        assert len(pages.project.mails(EVE)) == min(hour + 1, 5)
    pages.times.append(MONDAY + timedelta(hours=26))
    ask(pages, EVE)
    send_letters(pages.app_now())
    assert len(pages.project.mails(EVE)) == 6


def test_what_stands_behind_a_plus_opens_no_other_mailbox(pages: Pages) -> None:
    app = pages.app_now()
    for local in (*(f"eve+{number}" for number in range(7)), "eve", "joe+1"):
        wanted = SignUp(f"{local}@new.example", app.newsletter("weekly"), None, "", "", "")
        signing_up.ask(app, wanted, Evidence(Source.PAGE))
    assert send_letters(app) == 5 + 1
    assert len(pages.project.mails("joe+1@new.example")) == 1


def test_a_network_may_cause_so_many_mails_an_hour_and_a_flood_rings(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    with pages_of(project, DIGEST_PAGES__ASKS_PER_NETWORK="3", DIGEST_PAGES__ASKS_PER_HOUR="50") as pages:
        for number in range(8):
            signing_up.ask(pages.app, _sign_up(pages, f"u{number}@new.example"), _from("192.0.2.0/24"))
        assert _asked(pages) == 3
        assert _sign_ups(pages) == "in the last hour one network was refused some 5 times beyond pages.asks_per_network, 3"
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.split(": ")[1].split(" asked")[0] for line in told] == ["192.0.2.0/24"]
    assert "@" not in "".join(told)


def test_beyond_what_is_usual_a_form_costs_more_and_who_pays_is_not_shut_out(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with pages_of(project, DIGEST_PAGES__ASKS_PER_HOUR="5") as pages:
        before = ask(pages, "first@new.example")
        easy = re.findall(r'name="challenge" value="([^"]+)"', pages.client.get("/subscribe").text)[0]
        assert "on its way" in before.text
        for number in range(4):
            signing_up.ask(pages.app, _sign_up(pages, f"u{number}@new.example"), _from(f"198.51.{number}.0/24"))
        assert _sign_ups(pages) == "in the last hour sign-ups caused 5 mails, pages.asks_per_hour is 5"
        shown = pages.client.get("/subscribe").text
        assert f'data-bits="{HIGHEST.bits}"' in shown
        form = {"newsletter": "weekly", "email": EVE}
        assert "One more step" in pages.client.post("/subscribe", data=form | {"challenge": easy, "proof": solve(easy)}).text
        dear = re.findall(r'name="challenge" value="([^"]+)"', shown)[0]
        assert "Please wait 181 seconds" in pages.client.post("/subscribe", data=form | {"challenge": dear}).text
        signing_up.ask(pages.app, _sign_up(pages, "free@new.example"), _from("203.0.113.0/24"), proved=False)
        assert _asked(pages) == 5  # what costs nothing is refused
        pages.times.append(MONDAY + HIGHEST.wait)
        assert "on its way" in pages.client.post("/subscribe", data=form | {"challenge": dear}).text
        assert _asked(pages) == 6
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told[0].startswith("sign-ups have caused 5 mails in an hour, pages.asks_per_hour: forms cost more work")


def test_at_ten_times_what_is_usual_it_ends_and_two_hours_later_all_is_well(project: Project) -> None:
    with pages_of(project, DIGEST_PAGES__ASKS_PER_HOUR="2") as pages:
        for number in range(25):
            signing_up.ask(pages.app, _sign_up(pages, f"u{number}@new.example"), _from(f"198.51.{number}.0/24"))
        assert _asked(pages) == 20
        assert _sign_ups(pages) == "in the last hour sign-ups caused 20 mails, pages.asks_per_hour is 2, and some 5 were refused"
    with pages_of(project, MONDAY + timedelta(hours=2)) as pages:
        assert {one.what: one.well for one in examine(pages.app)}["sign-ups"]


def _sign_ups(pages: Pages) -> str:
    found = {one.what: one for one in examine(pages.app)}["sign-ups"]
    assert not found.well
    return found.said.split(";")[0]


def test_a_flood_that_is_refused_writes_next_to_nothing_and_is_counted_about_right(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    monkeypatch.setattr(secrets, "randbelow", random.Random(seed).randrange)
    with pages_of(project, DIGEST_PAGES__ASKS_PER_NETWORK="1") as pages:
        wanted, network = _sign_up(pages, EVE), _from("192.0.2.0/24")
        signing_up.ask(pages.app, wanted, network)
        with mock.patch.object(Store, "writing", autospec=True, side_effect=Store.writing) as writing:
            for number in range(120):
                signing_up.ask(pages.app, _sign_up(pages, f"u{number}@new.example"), network)
        assert 8 <= writing.call_count <= 60
        refused = int(_sign_ups(pages).partition("some ")[2].split()[0])
        assert 60 <= refused <= 240


def test_asking_for_one_address_again_and_again_is_written_down_so_often_and_no_more(project: Project) -> None:
    with pages_of(project, DIGEST_PAGES__ASKS_PER_NETWORK="2", DIGEST_PAGES__ASKS_PER_HOUR="50") as pages:
        signing_up.ask(pages.app, _sign_up(pages, EVE), _from("192.0.2.0/24"))
        with mock.patch.object(Store, "writing", autospec=True, side_effect=Store.writing) as writing:
            for _ in range(20):
                signing_up.ask(pages.app, _sign_up(pages, EVE), _from("192.0.2.0/24"))
        assert writing.call_count == 8
        assert _asked(pages) == 1


def test_of_who_left_since_the_link_does_not_say_that_they_are_subscribed(pages: Pages) -> None:
    ask(pages, EVE)
    link = confirm_link(pages)
    pages.client.post(link)
    pages.client.post(f"/unsubscribe/{pages.token(EVE)}")
    for shown in (pages.client.get(link).text, pages.client.post(link).text):
        assert "You have left this newsletter" in shown
        assert "You are subscribed" not in shown


def _sign_up(pages: Pages, email: str) -> signing_up.SignUp:
    return signing_up.SignUp(email, pages.app.newsletter("weekly"), None, "", "", "")


def _from(network: str) -> Evidence:
    return Evidence(Source.PAGE, network)


def _asked(pages: Pages) -> int:
    with pages.app.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.asking)).scalar_one()


def test_who_fills_in_the_field_that_nobody_sees_is_told_the_same_and_nothing_is_kept(pages: Pages) -> None:
    answer = ask(pages, EVE, website="https://spam.example")
    assert "a mail is on its way" in answer.text
    assert _asked(pages) == 0


def test_without_the_script_one_waits_and_what_was_filled_in_stays(pages: Pages) -> None:
    form = {"newsletter": "weekly", "email": EVE, "topic": "python", "timezone": "Asia/Tokyo"}
    first = pages.client.post("/subscribe", data=form)
    assert "press the button" in first.text
    assert _asked(pages) == 0
    challenge = re.findall(r'name="challenge" value="([^"]+)"', first.text)[0]
    pages.times.append(MONDAY + timedelta(seconds=5))
    early = pages.client.post("/subscribe", data=form | {"challenge": challenge, "proof": ""})
    assert "Please wait 16 seconds" in unescape(early.text)
    assert f'name="challenge" value="{challenge}"' in early.text
    assert f'value="{EVE}"' in early.text
    assert 'name="topic" value="python" checked' in early.text
    assert "<option selected>Asia/Tokyo" in early.text
    assert _asked(pages) == 0
    pages.times.append(MONDAY + timedelta(seconds=20))
    assert "a mail is on its way" in pages.client.post("/subscribe", data=form | {"challenge": challenge}).text
    assert _asked(pages) == 1
    again = pages.client.post("/subscribe", data=form | {"email": "more@new.example", "challenge": challenge})
    assert "press the button" in again.text  # each challenge is good once
    assert _asked(pages) == 1


@pytest.mark.parametrize("fields", [{"email": "eve"}, {"email": ""}, {"topic": "nonsense"}, {"timezone": "Berlin"}])
def test_what_cannot_be_read_is_said_and_nothing_is_kept(pages: Pages, fields: dict[str, str]) -> None:
    answer = ask(pages, **({"email": EVE} | fields))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert _asked(pages) == 0


def test_what_somebody_fills_in_is_shown_as_text(pages: Pages) -> None:
    nasty = '"><script>alert(1)</script>@x.example'
    answer = pages.client.post("/subscribe", data={"newsletter": "weekly", "email": nasty, "website": "x"})
    assert "<script>alert" not in answer.text
    assert "<script>alert" not in pages.client.post("/subscribe", data={"newsletter": "weekly", "email": nasty}).text


def test_a_newsletter_that_is_not_there_has_no_form(pages: Pages) -> None:
    assert pages.client.get("/subscribe?newsletter=nope").status_code == 404
    assert pages.client.post("/subscribe", data={"newsletter": "nope", "email": EVE}).status_code == 404


def test_the_letter_speaks_the_language_of_the_page(pages: Pages) -> None:
    pages.client.headers["Accept-Language"] = "de"
    ask(pages, EVE)
    confirm_link(pages)
    pages.client.post(confirm_link(pages))
    person = pages.person(EVE)
    assert person is not None
    assert person.language == "de"


def test_the_api_signs_up_by_the_same_rules(pages: Pages) -> None:
    found = pages.client.get("/api/v1/challenge").json()
    assert found["bits"] == USUAL.bits
    wanted = {"email": EVE, "topics": ["python"], "wording": "Yes, weekly!", "challenge": found["challenge"]}
    assert pages.client.post("/api/v1/subscriptions", json=wanted).status_code == 422  # neither solved nor waited for
    answer = pages.client.post("/api/v1/subscriptions", json=wanted | {"proof": solve(found["challenge"])})
    assert answer.status_code == 202
    same = pages.client.post("/api/v1/subscriptions", json={"email": "ann@x.example"})
    assert (same.status_code, same.text) == (202, answer.text)
    pages.client.post(confirm_link(pages))
    assert pages.subscription(EVE).topics == "python"
    shown = json.loads(pages.project.command("subscribers", "show", EVE, "--json").stdout)["consent"]
    assert (shown[1]["source"], shown[1]["wording"], shown[1]["wording_version"]) == ("api", "Yes, weekly!", "api")


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"email": "eve"},
        {"email": EVE, "newsletter": "nope"},
        {"email": EVE, "topics": ["nope"]},
        {"email": EVE, "frequency": "hourly"},
        {"email": EVE, "more": 1},
        {"email": [EVE]},
        {"email": EVE, "challenge": "x"},
        [],
        "x",
        None,
    ],
)
def test_what_the_api_cannot_read_is_said_in_json(pages: Pages, wanted: object) -> None:
    answer = pages.client.post("/api/v1/subscriptions", json=wanted)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert _asked(pages) == 0


def test_the_api_describes_itself_and_says_what_is_not_there_in_json(pages: Pages) -> None:
    found = pages.client.get("/api/v1/openapi.json").json()
    assert {"/api/v1/challenge", "/api/v1/subscriptions"} < set(found["paths"])
    nothing = {"status": 404, "title": "Not Found", "detail": "Not Found", "errors": []}
    assert pages.client.get("/api/v1/nothing").json() == nothing


def test_without_a_proof_a_network_may_ask_the_api_a_quarter_as_often(project: Project) -> None:
    with pages_of(project, DIGEST_PAGES__ASKS_PER_NETWORK="8") as pages:
        for number in range(8):
            signing_up.ask(pages.app, _sign_up(pages, f"u{number}@new.example"), _from("192.0.2.0/24"), proved=False)
        assert _asked(pages) == 2


@pytest.mark.parametrize("network", [None, "192.0.2.0/24"])
def test_who_hides_their_network_is_limited_like_everybody(project: Project, network: str | None) -> None:
    with pages_of(project, DIGEST_PAGES__ASKS_PER_NETWORK="8") as pages:
        for number in range(12):
            evidence = Evidence(Source.API, network)
            signing_up.ask(pages.app, _sign_up(pages, f"u{number}@new.example"), evidence, proved=number % 2 == 0)
        assert _asked(pages) == 8


def test_who_complained_about_the_letter_is_not_subscribed_by_its_link(pages: Pages) -> None:
    ask(pages, EVE)
    link = confirm_link(pages)
    with pages.app.store.writing() as connection:
        suppress(connection, EVE, EVERYTHING, reason="complained", source="test", now=MONDAY)
    assert (pages.client.get(link).status_code, pages.client.post(link).status_code) == (404, 404)
    assert pages.person(EVE) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"email": "\\ud800@x.example"}',
        b'{"email": "a@x.example", "wording": 1, "\\ud800": "x"}',
        b'{"email": NaN}',
        b'{"email": "\\u0000"}',
        b'{"email": "a@x.example", "frequency": "\\ud800"}',
    ],
)
def test_what_the_api_cannot_even_repeat_is_no_fault_of_ours(pages: Pages, body: bytes) -> None:
    answer = pages.client.post("/api/v1/subscriptions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "input" not in str(answer.json()["detail"])


def test_what_no_database_takes_is_left_out_of_what_the_api_keeps(pages: Pages) -> None:
    answer = pages.client.post("/api/v1/subscriptions", json={"email": EVE, "wording": "Yes\0, weekly!"})
    assert answer.status_code == 202
    with pages.app.store.reading() as connection:
        assert connection.execute(select(tables.asking.c.wording)).scalar_one() == "Yes, weekly!"


def test_half_a_character_in_a_form_is_shown_as_what_it_is_not(pages: Pages) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n\\ud800@x.example\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b; charset=unicode_escape"
    answer = pages.client.post("/subscribe", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert "\ufffd" in answer.text


@pytest.mark.sqlite
def test_of_what_strangers_write_nothing_stays_in_memory(pages: Pages) -> None:
    """A form is read before its price is asked; in one of the size that is taken there is room for a topic a thousand times."""
    newsletter = pages.app.newsletter("weekly")
    tracemalloc.start()
    try:
        for number in range(20):
            signing_up.check(SignUp(EVE, newsletter, ["python " * 8_000 + " " * number], "", "", "en"))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 500_000
