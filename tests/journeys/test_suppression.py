"""Addresses that must not be mailed: whatever happens to the person, to files and to secrets, they stay so until somebody lifts it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from digest.app import leaving, preferring
from digest.app.hearing import hear
from digest.audience import moving
from digest.audience.consent import Evidence, Source
from digest.audience.erased_suppression import hash_of
from digest.audience.finding import find_subscriber, subscriptions_of
from digest.audience.suppression import is_suppressed, is_suppressed_anywhere, suppress
from digest.audience.tokens import Purpose, make_token
from digest.delivery.providers.sendgrid_events import read_events
from digest.store import tables
from digest.testing.smtp_sink import Now, React
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.journeys.test_bounces import ANN, BOB, bounce, bouncing, complaint, pipe, sent_from, soft, suppressed, two_readers
from tests.journeys.test_erasing import words
from tests.reporting import entry, readers

__all__ = ["bouncing"]
OTHER_SECRET = "another-secret-that-is-long-enough-0123456789"


def secret_of(project: Project) -> str:
    env = (project.folder / ".env").read_text(encoding="utf-8")
    return next(line.partition("=")[2].strip("\"' ") for line in env.splitlines() if line.startswith("DIGEST_SECRET_KEY"))


def keep_away(project: Project, email: str, scope: str = "*", reason: str = "bounced") -> None:
    with project.app() as app, app.store.writing() as connection:
        suppress(connection, email, scope, reason=reason, source="test", now=MONDAY)


def test_of_who_was_erased_nothing_but_a_keyed_hash_stays_and_they_are_known_again(project: Project) -> None:
    two_readers(project)
    keep_away(project, ANN)
    got = project.command("subscribers", "erase", ANN, "--json")
    assert json.loads(got.stdout) == {"erased": True, "still_suppressed": True}
    assert ANN not in words(project)
    for file in project.folder.glob("digest.db*"):
        assert ANN.encode() not in file.read_bytes(), file
    listed = json.loads(project.command("suppressions", "list", "--json").stdout)
    assert listed == {"suppressions": [], "erased": 1}
    with project.app() as app, app.store.reading() as connection:
        assert is_suppressed(connection, ANN.upper(), "weekly")
        assert is_suppressed_anywhere(connection, ANN)
        assert not is_suppressed(connection, BOB, "weekly")
    project.join(ANN)
    assert suppressed(project) == {ANN: "bounced"}
    project.run()
    assert project.account("weekly/1") == {"accepted": 1, "suppressed": 1}
    assert project.command("subscribers", "erase", ANN).returncode == 0
    assert ANN not in words(project)


def test_who_was_erased_and_suppressed_comes_back_by_no_file_and_by_no_change_of_address(
    project: Project, tmp_path: Path
) -> None:
    two_readers(project)
    keep_away(project, ANN, "weekly")
    assert project.command("subscribers", "erase", ANN).returncode == 0
    file = tmp_path / "people.csv"
    file.write_text(f"email,confirmed\n{ANN},yes\nzoe@x.example,yes\n", encoding="utf-8")
    got = json.loads(project.command("subscribers", "import", str(file), "--json").stdout)
    assert (got["added"], got["suppressed"]) == (2, 1)
    assert project.command("subscribers", "erase", ANN).returncode == 0
    with project.app() as app, app.store.writing() as connection:
        bob = find_subscriber(connection, BOB)
        assert bob is not None
        number = moving.begin(connection, bob.id, ANN, ANN, now=MONDAY)
        found = moving.find(connection, number, now=MONDAY)
        assert found is not None
        assert moving.carry_out(connection, found, now=MONDAY)
    project.run()
    assert project.account("weekly/1") == {"accepted": 1, "suppressed": 1}


def test_a_change_of_the_secret_lifts_nothing_and_a_lost_one_is_told(project: Project) -> None:
    two_readers(project)
    keep_away(project, ANN)
    assert project.command("subscribers", "erase", ANN).returncode == 0
    former = {"DIGEST_SECRET_KEY": OTHER_SECRET, "DIGEST_FORMER_SECRET_KEYS": json.dumps([secret_of(project)])}
    assert "1 of people who were erased" in project.command("doctor", "--offline", **former).stdout
    lost = project.command("doctor", "--offline", DIGEST_SECRET_KEY=OTHER_SECRET)
    assert (lost.returncode, "would not be known again" in lost.stdout + lost.stderr) == (3, True)
    got = project.command("subscribers", "add", ANN, "--confirmed", "--json", **former)
    assert json.loads(got.stdout)["suppressed"] is True


def test_a_hash_tells_nothing_without_the_key() -> None:
    assert hash_of(b"k" * 32, ANN) != hash_of(b"j" * 32, ANN)
    assert len(hash_of(b"k" * 32, ANN)) == 64


def test_suppressions_are_added_listed_and_lifted_with_a_reason_that_is_kept(project: Project) -> None:
    two_readers(project)
    for arguments, code, said in (
        (("add", ANN, "--reason", "asked by phone"), 0, "suppressed for everything"),
        (("add", ANN, "--reason", "again"), 0, "was suppressed already"),
        (("add", ANN, "--scope", "weekly"), 0, "suppressed for weekly"),
        (("add", ANN, "--scope", "nowhere"), 2, "there is no newsletter"),
        (("add", "nobody"), 2, "is not an e-mail address"),
        (("add", BOB, "--reason", "x" * 33), 2, "write 1 to 32"),
        (("lift", ANN, "--reason", "asked"), 2, "say with --scope which"),
        (("lift", ANN), 2, "--reason"),
        (("lift", ANN, "--scope", "weekly", "--reason", " "), 2, "--reason is empty"),
        (("lift", BOB, "--reason", "asked"), 2, "is not suppressed"),
        (("lift", ANN, "--scope", "weekly", "--reason", "asked by mail"), 0, "may be mailed again for weekly"),
    ):
        got = project.command("suppressions", *arguments)
        assert (got.returncode, said in got.stdout + got.stderr) == (code, True), got
    listed = project.command("suppressions", "list").stdout
    assert listed.splitlines()[0].split("\t")[:4] == [ANN, "*", "asked by phone", "command line"]
    with project.app() as app, app.store.reading() as connection:
        (kept,) = connection.execute(tables.lifted_suppression.select()).all()
    assert (kept.scope, kept.reason, kept.why, kept.actor.endswith("(command line)")) == (
        "weekly",
        "by hand",
        "asked by mail",
        True,
    )


def test_a_complaint_is_lifted_only_by_who_says_so(project: Project) -> None:
    two_readers(project)
    keep_away(project, ANN, reason="complained")
    got = project.command("suppressions", "lift", ANN, "--reason", "we want to")
    assert (got.returncode, "they called a mail spam" in got.stderr) == (3, True)
    assert suppressed(project) == {ANN: "complained"}
    assert project.command("suppressions", "lift", ANN, "--reason", "they wrote", "--though-they-complained").returncode == 0
    assert suppressed(project) == {}


def test_who_was_erased_may_be_lifted_too(project: Project) -> None:
    two_readers(project)
    keep_away(project, ANN)
    assert project.command("subscribers", "erase", ANN).returncode == 0
    assert project.command("suppressions", "lift", ANN, "--reason", "asked").returncode == 0
    assert json.loads(project.command("suppressions", "list", "--json").stdout) == {"suppressions": [], "erased": 0}


def test_who_may_be_mailed_again_gets_what_bounced_and_what_came_meanwhile_and_nothing_twice(bouncing: Project) -> None:
    pipe(bouncing, bounce(sent_from(bouncing, ANN)))
    bouncing.offer(article("a"), article("b", at=MONDAY))
    bouncing.run(MONDAY + WEEK)
    assert bouncing.account("weekly/2") == {"accepted": 1, "suppressed": 1}
    got = json.loads(bouncing.command("suppressions", "lift", ANN, "--reason", "their mail works again", "--json").stdout)
    assert got["owed"] == 1
    bouncing.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY + WEEK))
    for week in (2, 3):
        ran = bouncing.run(MONDAY + week * WEEK)
        assert [alarm for one in ran.handled if one.sent for alarm in one.sent.alarms] == []
    assert bouncing.read(ANN) == [["a"], ["a", "c", "b"]]  # the first one bounced
    assert bouncing.read(BOB) == [["a"], ["b"], ["c"]]


def test_what_bounced_and_came_all_the_same_is_not_owed(bouncing: Project) -> None:
    ann = sent_from(bouncing, ANN)
    pipe(bouncing, bounce(ann))
    assert bouncing.command("suppressions", "lift", ANN, "--reason", "a mistake").returncode == 0
    pipe(bouncing, complaint(ann))  # so it was there
    assert bouncing.command("suppressions", "lift", ANN, "--reason", "x", "--though-they-complained").returncode == 0
    bouncing.offer(article("a"), article("b", at=MONDAY))
    bouncing.run(MONDAY + WEEK)
    assert bouncing.read(ANN) == [["a"], ["b"]]


@pytest.mark.parametrize(("kind", "owed"), [("click", 0), ("open", 0), ("delivered", 1)])
def test_what_bounced_and_was_read_all_the_same_is_not_owed(bouncing: Project, kind: str, owed: int) -> None:
    """One of the mailboxes that a mail is handed on to may refuse what somebody reads in another one."""
    pipe(bouncing, bounce(sent_from(bouncing, ANN)))
    with bouncing.app() as app:
        issue = bouncing.issue("weekly/1")
        read = entry(app, issue, readers(app, issue)[0], kind, MONDAY + timedelta(hours=1), url="https://backend.example/a")
        assert hear(app, read_events([read]), "sendgrid").new == 1
    got = json.loads(bouncing.command("suppressions", "lift", ANN, "--reason", "a mistake", "--json").stdout)
    assert got["owed"] == owed


def test_what_bounced_so_long_ago_that_it_would_have_expired_is_not_owed(bouncing: Project) -> None:
    pipe(bouncing, bounce(sent_from(bouncing, ANN)))
    for week in range(1, 6):
        bouncing.offer(*(article(f"w{n}", at=MONDAY) for n in range(week + 1)))
        bouncing.run(MONDAY + week * WEEK)
    got = json.loads(bouncing.command("suppressions", "lift", ANN, "--reason", "asked", "--json").stdout)
    assert got["owed"] == 0


def test_a_full_mailbox_is_lifted_with_all_it_missed(bouncing: Project) -> None:
    soft(bouncing, ANN, MONDAY)
    for week in (1, 2):
        bouncing.offer(*(article(f"w{n}", at=MONDAY) for n in range(1, week + 1)))
        bouncing.run(MONDAY + week * WEEK)
        soft(bouncing, ANN, MONDAY + week * WEEK)
    assert suppressed(bouncing) == {ANN: "soft bounces"}
    got = json.loads(bouncing.command("suppressions", "lift", ANN, "--reason", "they made room", "--json").stdout)
    assert got["owed"] == 3
    bouncing.run(MONDAY + 3 * WEEK)
    assert bouncing.issues()[-1].state == "sent"
    assert sorted(bouncing.read(ANN)[-1]) == ["a", "w1", "w2"]


def test_lifting_waits_until_what_bounced_has_settled(bouncing: Project) -> None:
    bouncing.offer(article("a"), article("b", at=MONDAY))

    def later(now: Now) -> React | None:
        return React("451 4.7.1 later") if now.moment == "RCPT" and BOB in now.line else None

    bouncing.sink._script = later
    bouncing.run(MONDAY + WEEK)
    assert bouncing.account("weekly/2") == {"accepted": 1, "deferred": 1}
    pipe(bouncing, bounce(sent_from(bouncing, ANN)))
    got = bouncing.command("suppressions", "lift", ANN, "--reason", "asked")
    assert (got.returncode, "weekly/2, which bounced, is still being sent" in got.stderr) == (3, True)
    assert suppressed(bouncing) == {ANN: "bounced"}


def test_a_topic_that_somebody_left_comes_back_by_nobody_but_them(project: Project, tmp_path: Path) -> None:
    project.join(ANN, "python security")
    with project.app() as app:
        token = make_token(app.key, Purpose.UNSUBSCRIBE, 1)
        leaving.leave_one_topic(app, token, "python", Evidence(Source.PAGE))

    def topics() -> str:
        with project.app() as app, app.store.reading() as connection:
            person = find_subscriber(connection, ANN)
            assert person is not None
            return subscriptions_of(connection, person.id)[0].topics

    assert topics() == "security"
    file = tmp_path / "people.csv"
    file.write_text(f"email,topics,confirmed\n{ANN},python security career,yes\n", encoding="utf-8")
    assert project.command("subscribers", "import", str(file)).returncode == 0
    assert topics() == "security"  # what they set themselves no file changes
    assert project.command("subscribers", "add", ANN, "--topics", "python,security,career").returncode == 0
    assert topics() == "career security"
    assert project.command("subscribers", "add", ANN, "--topics", "python").returncode == 0
    assert topics() == "career security"
    assert project.command("subscribers", "erase", ANN).returncode == 0
    assert project.command("subscribers", "import", str(file)).returncode == 0
    assert topics() == "career security"
    with project.app() as app:
        token = make_token(app.key, Purpose.PREFERENCES, 2)
        wanted = preferring.Wanted(everything=False, topics=["python"], frequency="weekly", timezone="UTC", language="en")
        preferring.change(app, token, wanted, Evidence(Source.PAGE))
    assert topics() == "python"
    assert project.command("subscribers", "add", ANN, "--topics", "python,career").returncode == 0
    assert topics() == "career python"
    with project.app() as app:
        leaving.leave_one_topic(app, make_token(app.key, Purpose.UNSUBSCRIBE, 2), "career", Evidence(Source.PAGE))
        leaving.return_(app, make_token(app.key, Purpose.UNSUBSCRIBE, 2), Evidence(Source.PAGE))
    assert topics() == "career python"
    assert suppressed(project) == {}
