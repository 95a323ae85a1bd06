"""What a person may change by the link that stands in every mail."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from digest.app import preferring
from digest.app.carrying import send_letters
from digest.app.erasing import erase
from digest.audience.consent import evidence_of
from digest.audience.subscription import SubscriptionState
from digest.audience.suppression import is_suppressed, suppress
from digest.audience.tokens import Purpose
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.web.conftest import Pages, pages_of
from tests.web.test_unsubscribing import everything

ANN, BOB = "ann@x.example", "bob@x.example"


def link(pages: Pages, email: str) -> str:
    return f"/preferences/{pages.token(email, Purpose.PREFERENCES)}"


def another(token: str) -> str:
    """A token with another last letter."""
    return token[:-1] + ("A" if token[-1] != "A" else "B")


def test_looking_changes_nothing_and_shows_what_is_chosen(pages: Pages) -> None:
    before = everything(pages)
    shown = pages.client.get(link(pages, BOB)).text
    assert pages.client.head(link(pages, BOB)).status_code == 200
    assert everything(pages) == before
    for slug in ("python", "databases"):
        assert f'name="topic" value="{slug}" checked' in shown
    assert 'name="topic" value="security">' in shown
    assert 'name="everything" value="yes">' in shown
    assert 'name="everything" value="yes" checked' in pages.client.get(link(pages, ANN)).text


def test_who_wants_nothing_at_all_finds_the_way_out(pages: Pages) -> None:
    shown = pages.client.get(link(pages, BOB)).text
    out = f"/unsubscribe/{pages.token(BOB, Purpose.UNSUBSCRIBE)}"
    assert f'<a href="{out}">Unsubscribe</a>' in shown
    pages.client.post(out, data={"what": "newsletter"})
    assert pages.subscription(BOB).state is SubscriptionState.UNSUBSCRIBED
    assert out not in pages.client.get(link(pages, BOB)).text


def test_topics_are_saved_and_the_coverage_point_stays(pages: Pages) -> None:
    before = pages.subscription(BOB)
    answer = pages.client.post(
        link(pages, BOB), data={"what": "save", "topic": ["security", "python"], "timezone": "Europe/Berlin", "language": "de"}
    )
    assert (answer.status_code, answer.headers["content-language"]) == (200, "de")
    after, person = pages.subscription(BOB), pages.person(BOB)
    assert (after.topics, after.coverage, after.owed, after.frequency) == (
        "python security",
        before.coverage,
        before.owed,
        before.frequency,
    )
    assert person is not None
    assert (person.timezone, person.language) == ("Europe/Berlin", "de")
    pages.client.post(link(pages, BOB), data={"what": "save", "everything": "yes", "topic": "security"})
    assert pages.subscription(BOB).topics == "*"
    with pages.app.store.reading() as connection:
        kept = evidence_of(connection, person.id)
    assert [(one.act, (one.before or {})["topics"], one.topics) for one in kept[1:]] == [
        ("changed", "databases python", "python security"),
        ("changed", "python security", "*"),
    ]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"topic": "nonsense"},
        {"topic": "python", "frequency": "hourly"},
        {"topic": "python", "timezone": "Berlin"},
        {"topic": "python", "language": "Deutsch!"},
    ],
)
def test_what_cannot_be_chosen_is_said_and_nothing_is_changed(pages: Pages, form: dict[str, str]) -> None:
    before = everything(pages)
    answer = pages.client.post(link(pages, BOB), data={"what": "save"} | form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert everything(pages) == before


def test_a_changed_frequency_keeps_the_coverage_point_so_that_nothing_is_missed_or_repeated(project: Project) -> None:
    project.configure('schedule = "0 9 * * 1"', 'schedule = { weekly = "0 9 * * 1", daily = "0 7 * * *" }')
    project.offer(article("a", tags=("python",)))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY))
    with pages_of(project, MONDAY + timedelta(hours=2)) as pages:
        point = pages.subscription(BOB).coverage
        shown = pages.client.get(link(pages, BOB)).text
        assert 'value="weekly" checked' in shown
        pages.client.post(link(pages, BOB), data={"what": "save", "topic": "python", "frequency": "daily"})
        assert (pages.subscription(BOB).frequency, pages.subscription(BOB).coverage) == ("daily", point)
    project.run(MONDAY + timedelta(days=1))
    project.run(MONDAY + WEEK)
    assert project.read(BOB) == [["a"], ["b"]]


def test_a_pause_lasts_until_the_morning_of_a_day_where_they_live_and_can_be_ended(pages: Pages) -> None:
    pages.client.post(link(pages, BOB), data={"what": "save", "topic": "python", "timezone": "Asia/Tokyo"})
    shown = pages.client.post(link(pages, BOB), data={"what": "pause", "until": "2026-12-24"}).text
    after = pages.subscription(BOB)
    assert (after.state, after.paused_until) == (SubscriptionState.PAUSED, datetime(2026, 12, 23, 15, tzinfo=UTC))
    assert "December 24, 2026" in shown
    pages.client.post(link(pages, BOB), data={"what": "resume"})
    assert pages.subscription(BOB).state is SubscriptionState.ACTIVE


@pytest.mark.parametrize("until", ["2026-11-23", "1999-01-01", "tomorrow", "99999-01-01"])
def test_a_pause_until_a_day_that_is_past_or_none_is_refused(pages: Pages, until: str) -> None:
    assert pages.client.post(link(pages, BOB), data={"what": "pause", "until": until}).status_code == 422
    assert pages.subscription(BOB).state is SubscriptionState.ACTIVE


def test_what_is_known_of_a_person_is_theirs_to_download_by_a_letter_and_nobody_elses(pages: Pages) -> None:
    pages.client.post(link(pages, BOB), data={"what": "save", "topic": "python"})
    asked = pages.client.post(link(pages, BOB), data={"what": "download"})
    assert "We have written to you" in asked.text
    assert "consent" not in asked.text
    assert send_letters(pages.app) == 1
    (mail,) = pages.project.mails(BOB)
    assert mail["Subject"] == "What we know of you"
    path = pages.link_in(mail, "download")
    before = everything(pages)
    assert "your address, your choices" in pages.client.get(path).text
    answer = pages.client.post(path)
    assert everything(pages) == before
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    found = answer.json()
    assert found["email"] == BOB
    assert [one["topics"] for one in found["subscriptions"]] == ["python"]
    assert [one["act"] for one in found["consent"]] == ["added", "changed"]
    assert [(one["kind"], one["state"]) for one in found["letters"]] == [("download", "sent")]
    assert found["had_already"] == []
    assert ANN not in answer.text


def test_the_link_to_what_is_known_is_over_after_two_days_and_no_other_token_takes_its_place(pages: Pages) -> None:
    pages.client.post(link(pages, BOB), data={"what": "download"})
    send_letters(pages.app)
    path = pages.link_in(pages.project.mails(BOB)[0], "download")
    for token in (pages.token(BOB), pages.token(BOB, Purpose.PREFERENCES), another(path.rpartition("/")[2])):
        assert pages.client.post(f"/download/{token}").status_code == 404
    assert pages.client.post(path.replace("download", "erase")).status_code == 200
    assert pages.person(BOB) is not None
    pages.times.append(MONDAY + timedelta(days=2, seconds=1))
    assert pages.client.get(path).status_code == pages.client.post(path).status_code == 404


def test_a_letter_to_an_address_that_somebody_wanted_does_not_outlive_their_erasing(pages: Pages) -> None:
    pages.client.post(link(pages, BOB), data={"what": "move", "email": "robert@new.example"})
    send_letters(pages.app)
    assert "robert@new.example" in everything(pages)
    erase(pages.app, BOB)
    assert "robert@" not in everything(pages)
    assert "bob@" not in everything(pages)


def test_who_moved_and_is_erased_leaves_nothing_under_the_old_address_either(pages: Pages) -> None:
    pages.client.post(link(pages, BOB), data={"what": "download"})
    pages.client.post("/api/v1/subscriptions", json={"email": BOB})
    pages.client.post(link(pages, BOB), data={"what": "move", "email": "robert@new.example"})
    send_letters(pages.app)
    for email in (BOB, "robert@new.example"):
        pages.client.post(pages.link_in(pages.project.mails(email)[-1], "move"))
    erase(pages.app, "robert@new.example")
    assert "bob@" not in everything(pages)
    assert "robert@" not in everything(pages)


def test_who_has_the_link_cannot_fill_the_database_and_can_still_leave(pages: Pages) -> None:
    for number in range(preferring.IN_A_DAY + 20):
        topic = ("python", "security")[number % 2]
        answer = pages.client.post(link(pages, BOB), data={"what": "save", "topic": topic})
    assert answer.status_code == 429
    assert "Please try again tomorrow" in answer.text
    for _ in range(5):
        pages.client.post(f"/unsubscribe/{pages.token(BOB)}")
        pages.client.post(f"/unsubscribe/{pages.token(BOB)}", data={"what": "undo"})
    assert pages.subscription(BOB).state is SubscriptionState.UNSUBSCRIBED
    person = pages.person(BOB)
    assert person is not None
    with pages.app.store.reading() as connection:
        assert len(evidence_of(connection, person.id)) == preferring.IN_A_DAY + 2  # they came, and they left
    pages.times.append(MONDAY + timedelta(days=1, hours=1))
    assert pages.client.post(link(pages, BOB), data={"what": "save", "topic": "python"}).status_code == 200


@pytest.mark.parametrize(("place", "holds"), [(0, True), (1, False)])
def test_of_former_secrets_the_last_one_alone_still_opens_preferences(project: Project, place: int, holds: bool) -> None:
    with pages_of(project) as pages:
        path, secret = link(pages, BOB), pages.app.settings.secret_key.get_secret_value()
    former = ["o" * 40]
    former.insert(place, secret)
    with pages_of(project, DIGEST_SECRET_KEY="n" * 40, DIGEST_FORMER_SECRET_KEYS=json.dumps(former)) as pages:
        assert pages.client.get(path).status_code == (200 if holds else 404)
        assert pages.client.post(path, data={"what": "save", "topic": "security"}).status_code == (200 if holds else 404)


@pytest.mark.parametrize("what", ["save", "pause", "resume", "download", "move", "erase", "nonsense", ""])
def test_a_link_of_nobody_is_over_whatever_is_wanted(pages: Pages, what: str) -> None:
    gone, wrong = link(pages, ANN), f"/preferences/{pages.token(BOB)}"
    erase(pages.app, ANN)
    before = everything(pages)
    for path in (gone, wrong, "/preferences/x"):
        assert pages.client.get(path).status_code == 404
        assert pages.client.post(path, data={"what": what}).status_code == 404
    assert everything(pages) == before


def test_a_button_that_is_none_and_a_form_that_is_broken_change_nothing(pages: Pages) -> None:
    assert pages.client.post(link(pages, BOB), data={"what": "nonsense"}).status_code == 400
    broken = {"Content-Type": "multipart/form-data"}
    assert pages.client.post(link(pages, BOB), content=b"x", headers=broken).status_code == 400
    assert pages.client.post(link(pages, BOB), content=b"a=" + b"x" * 100_000).status_code in {400, 413}


def test_nobody_is_erased_by_the_link_that_is_in_every_mail_alone(pages: Pages) -> None:
    shown = pages.client.post(link(pages, BOB), data={"what": "erase"})
    assert "We have written to you" in shown.text
    assert send_letters(pages.app) == 1
    (mail,) = pages.project.mails(BOB)
    assert mail["Subject"] == "Please confirm that we shall erase you"
    path = pages.link_in(mail, "erase")
    assert pages.client.get(path).status_code == 200
    assert pages.person(BOB) is not None
    assert "We know nothing of you any more" in pages.client.post(path).text
    assert pages.person(BOB) is None
    assert "bob@" not in everything(pages)
    assert "We know nothing of you any more" in pages.client.post(path).text
    assert pages.client.get(path).status_code == 404


def test_who_must_not_be_mailed_is_erased_by_two_presses_and_no_letter(pages: Pages) -> None:
    with pages.app.store.writing() as connection:
        suppress(connection, BOB, "*", reason="complained", source="test", now=MONDAY)
    before = everything(pages)
    shown = pages.client.post(link(pages, BOB), data={"what": "erase"}).text
    assert everything(pages) == before
    path = re.search(r'action="[^"]*(/erase/[A-Za-z0-9_-]+)"', shown)
    assert path is not None
    pages.client.get(path[1])
    assert everything(pages) == before
    assert pages.client.post(path[1]).status_code == 200
    assert pages.person(BOB) is None
    assert send_letters(pages.app) == 0
    with pages.app.store.reading() as connection:
        assert is_suppressed(connection, BOB, "weekly")


def test_the_link_that_erases_is_over_after_two_days_and_no_other_token_takes_its_place(pages: Pages) -> None:
    pages.client.post(link(pages, BOB), data={"what": "erase"})
    send_letters(pages.app)
    path = pages.link_in(pages.project.mails(BOB)[0], "erase")
    for token in (pages.token(BOB), pages.token(BOB, Purpose.PREFERENCES), another(path.rpartition("/")[2])):
        pages.client.post(f"/erase/{token}")
    pages.times.append(MONDAY + timedelta(days=2, seconds=1))
    assert pages.client.get(path).status_code == 404
    pages.client.post(path)
    assert pages.person(BOB) is not None


def test_an_address_changes_when_both_have_agreed_and_not_before(pages: Pages) -> None:
    before = pages.subscription(BOB)
    answer = pages.client.post(link(pages, BOB), data={"what": "move", "email": "Robert@new.example"})
    assert "both addresses" in answer.text
    assert send_letters(pages.app) == 2
    old, new = (pages.link_in(pages.project.mails(email)[0], "move") for email in (BOB, "robert@new.example"))
    assert old != new
    assert pages.client.get(new).status_code == 200
    assert "Now the other address has to agree" in pages.client.post(new).text
    assert pages.person(BOB) is not None
    assert "From now on we write to the new address" in pages.client.post(old).text
    person = pages.person("robert@new.example")
    assert person is not None
    assert (person.email, pages.person(BOB)) == ("Robert@new.example", None)
    assert pages.subscription("robert@new.example") == before
    assert "From now on we write to the new address" in pages.client.post(old).text  # again
    assert pages.client.get(old).status_code == 404


def test_an_address_that_somebody_has_already_is_not_taken_from_them(pages: Pages) -> None:
    pages.client.post(link(pages, BOB), data={"what": "move", "email": ANN})
    send_letters(pages.app)
    for email in (BOB, ANN):
        said = pages.client.post(pages.link_in(pages.project.mails(email)[0], "move")).text
    assert "has a subscription of its own already" in said
    assert pages.person(BOB) is not None


def test_a_later_wish_to_move_ends_the_earlier_one(pages: Pages) -> None:
    for hour, email in enumerate(("one@new.example", "two@new.example")):
        pages.times.append(MONDAY + timedelta(hours=2 * hour))
        pages.client.post(link(pages, BOB), data={"what": "move", "email": email})
    app = pages.app_now()
    assert send_letters(app) == 2  # what is over is not sent
    assert pages.project.mails("one@new.example") == []


def test_the_page_cannot_be_made_to_write_to_one_address_again_and_again(pages: Pages) -> None:
    for _ in range(10):
        said = pages.client.post(link(pages, BOB), data={"what": "move", "email": "victim@new.example"}).text
        assert "both addresses" in said
        pages.client.post(link(pages, BOB), data={"what": "erase"})
    send_letters(pages.app)
    assert (len(pages.project.mails("victim@new.example")), len(pages.project.mails(BOB))) == (1, 2)


@pytest.mark.parametrize("email", ["", "bob", BOB, "Bob@X.example", "a@b@c.example"])
def test_an_address_that_is_none_or_the_same_is_refused(pages: Pages, email: str) -> None:
    assert pages.client.post(link(pages, BOB), data={"what": "move", "email": email}).status_code == 422
    assert send_letters(pages.app) == 0


def test_no_flood_of_sign_ups_keeps_a_person_from_being_erased_or_from_moving(project: Project) -> None:
    with pages_of(project, DIGEST_PAGES__ASKS_PER_NETWORK="2", DIGEST_PAGES__ASKS_PER_HOUR="2") as pages:
        for email in (BOB, ANN, "eve@new.example"):
            pages.client.post("/api/v1/subscriptions", json={"email": email})
        send_letters(pages.app)
        for email, what in ((BOB, {"what": "erase"}), (ANN, {"what": "move", "email": "ann@new.example"})):
            pages.client.post(link(pages, email), data=what)
        send_letters(pages.app)
        assert [mail["Subject"] for mail in pages.project.mails(BOB)][-1] == "Please confirm that we shall erase you"
        assert [mail["Subject"] for mail in pages.project.mails(ANN)][-1] == "Please confirm your new address"
        assert len(pages.project.mails("ann@new.example")) == 1
