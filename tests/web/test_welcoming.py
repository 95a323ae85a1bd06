"""Who was just confirmed may get the latest issue at once; and no article of it comes again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest.app import carrying, signing_up
from digest.app.carrying import send_letters
from digest.app.knowing import known_of
from digest.app.signing_up import SignUp
from digest.audience import moving
from digest.audience.consent import Evidence, Source
from digest.audience.finding import find_subscriber
from digest.audience.had_already import had_already
from digest.audience.people import subscribe
from digest.audience.subscription import SubscriptionState
from digest.audience.suppression import suppress
from digest.delivery import letters
from digest.delivery.providers.answer import Outcome
from digest.store import tables
from digest.testing.smtp_sink import CLOSE, Now, React
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, a_project, article, keys_in
from tests.web.conftest import Pages, pages_of

EVE = "eve@new.example"
ARTICLES = (article("py"), article("db", tags=("databases",)), article("sec", tags=("security",)))
MORE = (article("py2", at=MONDAY), article("db2", tags=("databases",), at=MONDAY))


def welcoming(project: Project) -> None:
    project.configure('welcome = "none"', 'welcome = "latest"')


@pytest.fixture
def settled(project: Project) -> Iterator[Pages]:
    """One issue went out, with three articles, and the next day somebody comes."""
    welcoming(project)
    project.offer(*ARTICLES)
    project.run(MONDAY)
    with pages_of(project, MONDAY + timedelta(days=1)) as pages:
        yield pages


def confirm(pages: Pages, email: str = EVE, *topics: str, newsletter: str = "weekly") -> str:
    """Sign up and confirm; returns the page. What waits then is not sent yet."""
    app = pages.app_now()
    wanted = SignUp(email, app.newsletter(newsletter), topics or None, "", "", "")
    signing_up.ask(app, wanted, Evidence(Source.PAGE))
    send_letters(app)
    return str(pages.client.post(pages.link_in(pages.project.mails(email)[-1], "confirm")).text)


def letters_of(pages: Pages) -> list[tuple[str, str | None]]:
    row = tables.letter.c
    with pages.app.store.reading() as connection:
        return [
            tuple(one) for one in connection.execute(select(row.state, row.answer).where(row.kind == "welcome").order_by(row.id))
        ]


def had(pages: Pages, email: str = EVE) -> int:
    """How many articles somebody counts as having had."""
    with pages.app.store.reading() as connection:
        person = find_subscriber(connection, email)
        assert person is not None
        return len(had_already(connection, person.id).reader)


def test_the_latest_issue_comes_at_once_by_their_topics_and_the_next_one_brings_what_is_new(settled: Pages) -> None:
    assert "The latest issue is on its way to you" in confirm(settled, EVE, "python", "security")
    send_letters(settled.app_now())
    _, welcome = settled.project.mails(EVE)
    assert keys_in(welcome) == ["py", "sec"]
    assert welcome["Subject"].startswith("Backend Weekly #1")
    assert welcome["List-Unsubscribe"].startswith("<https://news.backend.example/unsubscribe/")
    settled.project.offer(*ARTICLES, *MORE)
    settled.project.run(MONDAY + WEEK)
    assert settled.project.read(EVE)[2:] == [["py2"]]
    assert settled.project.read("ann@x.example") == [["db", "py", "sec"], ["db2", "py2"]]
    assert settled.project.account("weekly/1") == {"accepted": 2}  # its audience was frozen, and stays


def test_a_persons_own_data_tell_of_it(settled: Pages) -> None:
    confirm(settled, EVE, "python")
    send_letters(settled.app_now())
    with settled.app.store.reading() as connection:
        person = find_subscriber(connection, EVE)
        assert person is not None
        known = known_of(connection, person)
    assert [(one["kind"], one["state"]) for one in known["letters"]] == [("confirm", "sent"), ("welcome", "sent")]
    assert [one["article"] for one in known["had_already"]] == ["https://backend.example/py"]


def test_its_links_are_theirs(settled: Pages) -> None:
    confirm(settled)
    send_letters(settled.app_now())
    welcome = settled.project.mails(EVE)[-1]
    link = re.findall(r"<https://news\.backend\.example(/unsubscribe/[^>]+)>", welcome["List-Unsubscribe"])[0]
    settled.client.post(link, data={"List-Unsubscribe": "One-Click"})
    assert settled.subscription(EVE).state is SubscriptionState.UNSUBSCRIBED
    part = welcome.get_body(("plain",))
    assert part is not None
    preferences = re.findall(r"https://news\.backend\.example(/preferences/\S+)", part.get_content())[0]
    assert settled.client.get(preferences).status_code == 200


def test_nobody_is_welcomed_unless_it_is_configured_or_twice_or_who_comes_back(settled: Pages) -> None:
    confirm(settled)
    send_letters(settled.app_now())
    settled.client.post(f"/unsubscribe/{settled.token(EVE)}")
    settled.times.append(MONDAY + timedelta(days=1, hours=2))
    assert "The next issue comes to you" in confirm(settled)
    send_letters(settled.app_now())
    assert [keys_in(mail) for mail in settled.project.mails(EVE)] == [[], ["db", "py", "sec"], []]
    settled.project.configure('welcome = "latest"', 'welcome = "none"')
    with pages_of(settled.project, MONDAY + timedelta(days=2)) as pages:
        assert "The next issue comes to you" in confirm(pages, "joe@new.example")
        assert len(letters_of(pages)) == 1


def test_before_the_first_issue_there_is_nothing_to_welcome_anybody_with(project: Project) -> None:
    welcoming(project)
    with pages_of(project) as pages:
        assert "The next issue comes to you" in confirm(pages)
        assert letters_of(pages) == []


def test_who_follows_nothing_of_it_waits_for_the_next_issue(settled: Pages) -> None:
    assert "The next issue comes to you" in confirm(settled, EVE, "career")
    assert letters_of(settled) == []


def test_what_was_withdrawn_is_left_out_and_where_nothing_remains_nothing_is_sent(settled: Pages) -> None:
    assert settled.project.command("articles", "withdraw", "db").returncode == 0
    confirm(settled)
    assert settled.project.command("articles", "withdraw", "sec").returncode == 0
    send_letters(settled.app_now())
    assert settled.project.read(EVE) == [[], ["py"]]
    settled.times.append(MONDAY + timedelta(days=1, hours=2))
    confirm(settled, "joe@new.example", "python")
    assert settled.project.command("articles", "withdraw", "py").returncode == 0
    send_letters(settled.app_now())
    assert letters_of(settled)[-1] == ("dropped", "it is over")
    assert had(settled, "joe@new.example") == 0


def test_a_story_that_did_not_reach_them_comes_from_whoever_still_tells_it(project: Project) -> None:
    welcoming(project)
    project.configure("[[newsletters]]", '[[sources]]\nname = "wire"\nkind = "json"\npath = "wire.json"\n\n[[newsletters]]')
    title, there = "Postgres 18 ships with asynchronous reads", "https://www.wire.example/w"
    project.offer(article("a", title=title, at=BEGAN + timedelta(days=1)))
    (project.folder / "wire.json").write_text(json.dumps([article("w", title=title, url=there)]), "utf-8")
    project.run(MONDAY)
    with pages_of(project, MONDAY + timedelta(days=1)) as pages:
        confirm(pages, EVE, "python")
        assert project.command("articles", "withdraw", "a").returncode == 0
        send_letters(pages.app_now())
        assert letters_of(pages) == [("dropped", "it is over")]
    project.run(MONDAY + WEEK)
    part = project.mails(EVE)[-1].get_body(("plain",))
    assert part is not None
    assert there in part.get_content()


def two_newsletters(project: Project) -> None:
    file = project.folder / "config" / "digest.toml"
    text = file.read_text("utf-8")
    start = text.index("[[newsletters]]")
    table = text[start : text.index("[delivery]")]
    other = table.replace('slug = "weekly"', 'slug = "other"').replace('schedule = "0 9 * * 1"', 'schedule = "0 9 * * 2"')
    file.write_text(text[:start] + table + other + text[text.index("[delivery]") :], "utf-8")


def test_what_another_newsletter_has_brought_or_brings_does_not_come_twice(project: Project) -> None:
    welcoming(project)
    two_newsletters(project)
    project.offer(*ARTICLES)
    with project.app(BEGAN) as app, app.store.writing() as connection:
        other = app.newsletter("other")
        for email in ("had@x.example", "will@x.example"):
            subscribe(connection, other, email, topics="python security", confirmed=True, now=BEGAN)
        connection.execute(update(tables.subscriber).where(tables.subscriber.c.email == "had@x.example").values(language=None))
    project.run(MONDAY)  # weekly's issue; the other one's comes on Tuesday
    with pages_of(project, MONDAY + timedelta(hours=5)) as pages:
        confirm(pages, "will@x.example", "python", "databases")
        send_letters(pages.app_now())
    project.run(MONDAY + timedelta(days=1, hours=1))
    with pages_of(project, MONDAY + timedelta(days=1, hours=5)) as pages:
        confirm(pages, "had@x.example", "python", "databases")
        send_letters(pages.app_now())
    assert project.read("will@x.example") == [[], ["db", "py"], ["sec"]]
    assert project.read("had@x.example") == [["py", "sec"], [], ["db"]]
    project.offer(*ARTICLES, *MORE)
    project.run(MONDAY + WEEK)
    project.run(MONDAY + WEEK + timedelta(days=1))
    for email in ("will@x.example", "had@x.example"):
        assert set(project.everything_read(email).values()) == {1}


def test_what_surely_did_not_reach_them_is_owed_and_comes_with_the_next_issue(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        project.join("ann@x.example")
        welcoming(project)
        project.offer(*ARTICLES)
        project.run(MONDAY)
        with pages_of(project, MONDAY + timedelta(days=1)) as pages:
            confirm(pages, EVE, "python")
            assert had(pages) == 1
            with pages.app.store.writing() as connection:  # for two days the provider was out of reach
                letter = letters.claim(connection, real=datetime.now(UTC), lease=timedelta(0))
                assert letter is not None
                gone = replace(letter, created_at=letter.created_at - letters.TRIED_FOR)
                if letters.settle(connection, gone, Outcome.DEFERRED, "later", now=pages.app.now, real=datetime.now(UTC)):
                    carrying._give_back(connection, letter)
            assert letters_of(pages) == [("given up", "later")]
            assert had(pages) == 0
        project.offer(*ARTICLES, *MORE)
        project.run(MONDAY + WEEK)
        assert project.read(EVE) == [[], ["py", "py2"]]


def test_what_nobody_could_send_for_two_days_is_owed(settled: Pages) -> None:
    confirm(settled, EVE, "python")
    settled.times.append(settled.times[-1] + letters.TRIED_FOR + timedelta(minutes=1))
    send_letters(settled.app_now())
    assert letters_of(settled) == [("given up", None)]
    assert had(settled) == 0
    assert settled.subscription(EVE).owed.endswith("@1")


def test_a_doubtful_welcome_is_never_sent_again_and_counts_as_had(tmp_path: Path) -> None:
    told: list[str] = []

    def hang_up(now: Now) -> React | None:
        """Every answer to a final dot is lost, once it is wanted."""
        return CLOSE if now.moment == "dot" and told else None

    with a_project(tmp_path, hang_up) as project:
        project.join("ann@x.example")
        welcoming(project)
        project.offer(*ARTICLES)
        project.run(MONDAY)
        with pages_of(project, MONDAY + timedelta(days=1)) as pages:
            confirm(pages, EVE, "python")
            told.append("from now on")
            send_letters(pages.app_now())
            assert [state for state, _ in letters_of(pages)] == ["given up"]
            assert had(pages) == 1
            told.clear()
            send_letters(pages.app_now())
        project.offer(*ARTICLES, *MORE)
        project.run(MONDAY + WEEK)
        assert [keys for keys in project.read(EVE) if keys] == [["py2"]]


def test_a_process_that_died_with_a_welcome_in_its_hands_leaves_a_doubt_and_one_before_that_does_not(settled: Pages) -> None:
    confirm(settled, EVE, "python")
    now = datetime.now(UTC)
    with settled.app.store.writing() as connection:
        letters.claim(connection, real=now, lease=timedelta(0))
    send_letters(settled.app_now())  # the lease is over, and nothing was marked
    assert settled.project.read(EVE) == [[], ["py"]]
    settled.times.append(MONDAY + timedelta(days=1, hours=2))
    confirm(settled, "joe@new.example", "python")
    with settled.app.store.writing() as connection:
        letter = letters.claim(connection, real=datetime.now(UTC), lease=timedelta(0))
        assert letter is not None
        assert letters.mark(connection, letter, real=datetime.now(UTC))
    send_letters(settled.app_now())
    assert settled.project.read("joe@new.example") == [[]]
    assert letters_of(settled)[-1][0] == "given up"
    assert had(settled, "joe@new.example") == 1


def claim(pages: Pages, lease: timedelta) -> letters.Letter:
    """What a process does that sends the only letter there is."""
    with pages.app.store.writing() as connection:
        letter = letters.claim(connection, real=datetime.now(UTC), lease=lease)
    assert letter is not None
    return letter


def settle(pages: Pages, letter: letters.Letter, outcome: Outcome) -> bool:
    with pages.app.store.writing() as connection:
        return letters.settle(connection, letter, outcome, "", now=pages.times[-1], real=datetime.now(UTC))


def mark(pages: Pages, letter: letters.Letter) -> None:
    with pages.app.store.writing() as connection:
        assert letters.mark(connection, letter, real=datetime.now(UTC))


def test_who_was_held_up_gives_nothing_back_of_what_somebody_else_is_sending(settled: Pages) -> None:
    confirm(settled, EVE, "python")
    mine = claim(settled, timedelta(0))
    theirs = claim(settled, timedelta(minutes=5))
    mark(settled, theirs)
    settled.client.post(f"/unsubscribe/{settled.token(EVE)}")  # too late: it is on its way
    transport = settled.app.provider().open()
    assert carrying._send_one(settled.app_now(), transport, mine) is None
    transport.close()
    assert had(settled) == 1
    settle(settled, theirs, Outcome.ACCEPTED)
    assert letters_of(settled) == [("sent", None)]


def test_one_that_is_being_sent_when_its_two_days_are_over_is_told_of_by_its_answer(settled: Pages) -> None:
    confirm(settled, EVE, "python")
    letter = claim(settled, timedelta(minutes=5))
    mark(settled, letter)
    settled.times.append(settled.times[-1] + letters.TRIED_FOR + timedelta(minutes=1))
    send_letters(settled.app_now())
    assert settle(settled, letter, Outcome.REJECTED)  # so that what it held is owed
    assert letters_of(settled) == [("rejected", None)]


@pytest.mark.parametrize("how", ["left", "suppressed", "erased"])
def test_who_is_gone_before_it_leaves_is_not_sent_it(settled: Pages, how: str) -> None:
    confirm(settled)
    if how == "left":
        settled.client.post(f"/unsubscribe/{settled.token(EVE)}")
    elif how == "erased":
        assert settled.project.command("subscribers", "erase", EVE).returncode == 0
    else:
        with settled.app.store.writing() as connection:
            suppress(connection, EVE, "*", reason="complained", source="test", now=MONDAY)
    send_letters(settled.app_now())
    assert settled.project.read(EVE) == [[]]


def test_a_welcome_waits_in_a_halt(settled: Pages) -> None:
    confirm(settled)
    assert settled.project.command("halt", "look at it").returncode == 0
    assert send_letters(settled.app_now()) == 0
    assert settled.project.command("halt", "--lift").returncode == 0
    assert send_letters(settled.app_now()) == 1


def test_a_welcome_is_what_was_approved_or_waits(settled: Pages) -> None:
    confirm(settled)
    with settled.app.store.writing() as connection:
        connection.execute(update(tables.issue).values(approved_hash="another"))
    assert send_letters(settled.app_now()) == 0
    assert letters_of(settled)[0][0] == "waiting"
    assert settled.project.read(EVE) == [[]]


def test_a_welcome_waits_while_every_run_is_a_dry_run(settled: Pages) -> None:
    confirm(settled)
    with settled.project.app(settled.times[-1], DIGEST_DELIVERY__PROVIDER="dry-run") as app:
        assert send_letters(app) == 0
    assert letters_of(settled) == [("waiting", None)]
    assert send_letters(settled.app_now()) == 1
    assert settled.project.read(EVE) == [[], ["db", "py", "sec"]]


def test_who_moves_meanwhile_is_welcomed_at_the_new_address(settled: Pages) -> None:
    confirm(settled)
    with settled.app.store.writing() as connection:
        person = find_subscriber(connection, EVE)
        assert person is not None
        number = moving.begin(connection, person.id, "new@new.example", "new@new.example", now=MONDAY)
        move = moving.look(connection, number, now=MONDAY)
        assert move is not None
        assert moving.carry_out(connection, move, now=MONDAY)
    send_letters(settled.app_now())
    assert settled.project.read("new@new.example") == [["db", "py", "sec"]]
