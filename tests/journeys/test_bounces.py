"""Sent by SMTP, a mail bounces, or is complained about: the report comes back by mail, and who is concerned is mailed no more."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import insert, select, update

from digest.app import hearing, mailing_back
from digest.audience import moving
from digest.audience.tokens import Purpose, make_token
from digest.store import tables
from digest.testing.smtp_sink import Now, React
from tests.delivery.mailed.imap_server import CLOSE, SILENCE, ImapServer
from tests.delivery.mailed.specimens import SPECIMENS, WRITTEN, head, plain
from tests.journeys.project import MONDAY, WEEK, Project, Said, a_project, article

ANN, BOB = "ann@x.example", "bob@x.example"
BASE = "bounces@news.example"
UNKNOWN_USER = SPECIMENS[0]


@pytest.fixture
def bouncing(tmp_path: Path) -> Iterator[Project]:
    """Two readers, one issue that was sent to them, each mail from a bounce address of its own."""
    with a_project(tmp_path) as project:
        project.environment["DIGEST_PROVIDERS__SMTP__BOUNCE_ADDRESS"] = BASE
        two_readers(project)
        project.run()
        yield project


def two_readers(project: Project) -> None:
    project.join(ANN)
    project.join(BOB)
    project.offer(article("a"))


def sent_from(project: Project, email: str) -> str:
    """The envelope sender of the last mail to somebody."""
    return [one.mail_from for one in project.sink.messages if one.rcpt_to == email][-1]


def bounce(to: str, raw: bytes | None = None) -> bytes:
    """A bounce of today, to an address."""
    found = UNKNOWN_USER.raw(to) if raw is None else raw
    return found.replace(WRITTEN.encode(), format_datetime(datetime.now(UTC)).encode())


def complaint(about: str) -> bytes:
    """A complaint about the mail that was sent from an address."""
    mail = (
        head("fbl@isp.example", "Complaint").replace("{to}", "abuse@news.example")
        + "Content-Type: multipart/report; report-type=feedback-report; boundary=F\n\n--F\nContent-Type: text/plain\n\nAbuse.\n\n"
        + "--F\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n"
        + f"--F\nContent-Type: message/rfc822\n\nReturn-Path: <{about}>\nSubject: x\n\nNews.\n\n--F--\n"
    )
    return bounce("", mail.encode())


def pipe(project: Project, raw: bytes, *more: str, **environment: str) -> Said:
    """The mail goes into the pipe, as a mail system does it."""
    with mock.patch.object(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw))):
        return project.command("events", "mail", *more, **environment)


def suppressed(project: Project) -> dict[str, str]:
    listed = json.loads(project.command("suppressions", "list", "--json").stdout)["suppressions"]
    return {one["address"]: one["reason"] for one in listed}


def mailbox(server: ImapServer) -> dict[str, str]:
    """The settings by which a mailbox is read."""
    return {
        "DIGEST_BOUNCES__HOST": server.host,
        "DIGEST_BOUNCES__PORT": str(server.port),
        "DIGEST_BOUNCES__SECURITY": "none",
        "DIGEST_BOUNCES__USERNAME": "bounces",
        "DIGEST_BOUNCES__PASSWORD": "secret",
        "DIGEST_BOUNCES__TIMEOUT": "1s",
    }


def next_issue(project: Project) -> dict[str, int]:
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(MONDAY + WEEK)
    return project.account("weekly/2")


@pytest.mark.rather_sqlite
def test_every_mail_has_an_envelope_sender_of_its_own_and_the_reader_sees_the_usual_one(bouncing: Project) -> None:
    ann, bob = sent_from(bouncing, ANN), sent_from(bouncing, BOB)
    assert ann != bob
    for one in (ann, bob):
        assert one.startswith("bounces+")
        assert one.endswith("@news.example")
        assert len(one.partition("@")[0]) <= 64
    assert bouncing.mails(ANN)[0]["From"].endswith("<weekly@news.backend.example>")


def test_a_bounce_through_the_pipe_keeps_the_next_issue_from_them(bouncing: Project) -> None:
    got = pipe(bouncing, bounce(sent_from(bouncing, ANN)))
    assert (got.returncode, got.stdout.splitlines()[0]) == (0, "1 mail came back: 1 heeded")
    assert suppressed(bouncing) == {ANN: "bounced"}
    stats = json.loads(bouncing.command("stats", "weekly/1", "--json").stdout)
    assert (stats["account"]["accepted"], stats["reported"]["bounced"]) == (2, 1)
    assert next_issue(bouncing) == {"accepted": 1, "suppressed": 1}
    assert bouncing.read(BOB) == [["a"], ["b"]]
    assert len(bouncing.mails(ANN)) == 1


@pytest.mark.rather_sqlite
def test_the_recipient_that_the_mail_system_names_will_do(bouncing: Project) -> None:
    raw = bounce("postmaster@x.example")
    assert "1 of no mail of ours" in pipe(bouncing, raw).stdout
    assert "1 taken in before" in pipe(bouncing, raw, "--recipient", sent_from(bouncing, ANN)).stdout
    assert "1 heeded" in pipe(bouncing, raw + b"\r\n", "--recipient", sent_from(bouncing, ANN)).stdout
    assert suppressed(bouncing) == {ANN: "bounced"}


def test_the_same_bounce_again_changes_nothing(bouncing: Project) -> None:
    raw = bounce(sent_from(bouncing, ANN))
    assert "1 heeded" in pipe(bouncing, raw).stdout
    assert "1 taken in before" in pipe(bouncing, raw).stdout
    assert "1 known already" in pipe(bouncing, b"Received: by a second way\r\n" + raw).stdout


def test_a_complaint_comes_back_and_is_heeded(bouncing: Project) -> None:
    assert "1 heeded" in pipe(bouncing, complaint(sent_from(bouncing, BOB))).stdout
    assert suppressed(bouncing) == {BOB: "complained"}
    assert next_issue(bouncing) == {"accepted": 1, "suppressed": 1}


def test_what_somebody_forged_does_nothing_and_is_shown(bouncing: Project) -> None:
    real = sent_from(bouncing, ANN)
    token = real.partition("+")[2].partition("@")[0]
    turned = ("1" if token[0] != "1" else "2") + token[1:]
    forged = (
        real.replace(token, turned),
        real.replace(token, token[:-1]),
        BASE,
        real.replace("news.example", "evil.example"),
    )
    for address in forged:
        for raw in (bounce(address), complaint(address)):
            got = pipe(bouncing, raw)
            assert (got.returncode, "1 of no mail of ours" in got.stdout) == (0, True), got.stdout
    assert suppressed(bouncing) == {}
    listed = json.loads(bouncing.command("events", "mails", "--json").stdout)
    assert [one["outcome"] for one in listed] == ["of no mail of ours"] * 8
    shown = bouncing.command("events", "mails", "--show", str(listed[0]["id"]))
    assert "Feedback-Type: abuse" in shown.stdout
    assert next_issue(bouncing) == {"accepted": 2}


def test_a_token_that_somebody_made_up_names_nobody(bouncing: Project) -> None:
    for place in range(4):
        made_up = f"bounces+{place}{'a' * 47}@news.example"
        for subject in ("A notice", "Re: hello"):
            raw = plain("MAILER-DAEMON@mx.example", subject, "Bleep.").replace("{to}", made_up).encode()
            assert pipe(bouncing, raw).returncode == 0
    row = tables.returned_mail.c
    with bouncing.app() as app, app.store.reading() as connection:
        assert connection.execute(select(row.subscriber_id)).scalars().all() == [None] * 8


def test_a_mail_that_a_defect_of_ours_stumbles_over_is_kept_and_those_behind_it_are_heeded(
    bouncing: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    heeded, stumbled = mailing_back._heed, bounce(sent_from(bouncing, BOB))

    def stumbling(app: Any, connection: Any, found: Any) -> Any:
        if found.finding is not None and found.event(found.tokens[0]).delivery_id in stumbled.decode():
            raise RuntimeError("canary")
        return heeded(app, connection, found)

    monkeypatch.setattr(mailing_back, "_heed", stumbling)
    with ImapServer(stumbled, bounce(sent_from(bouncing, ANN))) as server:
        said = bouncing.command("events", "mailbox", **mailbox(server))
        assert (said.returncode, server.unread()) == (0, 0), said.stderr
    assert "1 not understood" in said.stdout
    assert suppressed(bouncing) == {ANN: "bounced"}
    assert "a defect of Digest (RuntimeError); please report it" in mails_listed(bouncing)[0]


def mails_listed(project: Project) -> list[str]:
    return [one["about"] for one in json.loads(project.command("events", "mails", "--json").stdout)]


def test_mails_are_thrown_away_when_it_is_time_also_where_none_comes_any_more(bouncing: Project) -> None:
    pipe(bouncing, plain("MAILER-DAEMON@mx.example", "A notice", "Bleep.").replace("{to}", BASE).encode())
    row = tables.returned_mail.c
    with bouncing.app() as app, app.store.writing() as connection:
        connection.execute(update(tables.returned_mail).values(received_at=datetime.now(UTC) - timedelta(days=31)))
    bouncing.run(MONDAY + timedelta(hours=1))
    with bouncing.app() as app, app.store.reading() as connection:
        assert connection.execute(select(row.raw)).scalars().all() == [None]


def test_what_came_by_mail_says_nothing_of_what_was_delivered(bouncing: Project) -> None:
    pipe(bouncing, bounce(sent_from(bouncing, ANN)))
    found = json.loads(bouncing.command("stats", "weekly/1", "--json").stdout)["engagement"]
    assert found["heard"] is True
    assert {kind: told for kind, told in found["whole"].items() if told is not None} == {"bounced": {"unique": 1, "total": 1}}
    said = bouncing.command("stats", "weekly/1").stdout
    assert "bounced 1" in said
    assert "delivered 0" not in said


def test_a_bounce_that_is_not_understood_is_kept_and_shown(bouncing: Project) -> None:
    raw = plain("MAILER-DAEMON@mx.example", "A notice", "Bleep.").replace("{to}", sent_from(bouncing, ANN)).encode()
    assert "1 not understood" in pipe(bouncing, raw).stdout
    assert "not understood" in bouncing.command("events", "mails").stdout
    assert "Bleep." in bouncing.command("events", "mails", "--show", "1").stdout
    assert suppressed(bouncing) == {}
    assert bouncing.command("subscribers", "erase", ANN).returncode == 0
    assert "there is no mail 1" in bouncing.command("events", "mails", "--show", "1").stderr


def test_a_delivery_that_is_unknown_is_settled_by_its_bounce(tmp_path: Path) -> None:
    lost = React(end="close")

    def script(now: Now) -> React | None:
        return lost if now.moment == "dot" else None

    with a_project(tmp_path, script) as project:
        project.environment["DIGEST_PROVIDERS__SMTP__BOUNCE_ADDRESS"] = BASE
        two_readers(project)
        project.run()
        assert project.account("weekly/1") == {"unknown": 2}
        senders = {one.rcpt_to: one.mail_from for one in project.sink.arrived}
        for email in (ANN, BOB):
            assert "1 heeded" in pipe(project, bounce(senders[email])).stdout
        assert project.account("weekly/1") == {"accepted": 2}
        assert project.issue("weekly/1").state == "sent"


@pytest.mark.rather_sqlite
def test_a_token_of_a_former_secret_still_holds(bouncing: Project) -> None:
    env = (bouncing.folder / ".env").read_text(encoding="utf-8")
    secret = next(line.partition("=")[2].strip("\"' ") for line in env.splitlines() if line.startswith("DIGEST_SECRET_KEY"))
    changed = {"DIGEST_SECRET_KEY": "n" * 40, "DIGEST_FORMER_SECRET_KEYS": json.dumps([secret])}
    raw = bounce(sent_from(bouncing, ANN))
    assert "1 of no mail of ours" in pipe(bouncing, raw, DIGEST_SECRET_KEY="n" * 40).stdout
    assert "1 heeded" in pipe(bouncing, raw + b"\r\n", **changed).stdout


@pytest.mark.rather_sqlite
def test_what_cannot_be_written_down_is_left_to_the_mail_system(bouncing: Project) -> None:
    for environment in ({"DIGEST_DATABASE__URL": "sqlite:////nowhere/at/all.db"}, {"DIGEST_DELIVERY__PROVIDR": "x"}):
        got = pipe(bouncing, bounce(sent_from(bouncing, ANN)), **environment)
        assert (got.returncode, got.stdout, bool(got.stderr)) == (75, "", True)
    assert suppressed(bouncing) == {}


def test_the_run_reads_the_mailbox_before_it_sends(bouncing: Project) -> None:
    raw = [bounce(sent_from(bouncing, ANN)), bounce(BASE, plain("Zoe <zoe@x.example>", "Re: hello", "hi").encode())]
    bouncing.offer(article("a"), article("b", at=MONDAY))
    with ImapServer(*raw) as server:
        got = bouncing.command("run", "--now", (MONDAY + WEEK).isoformat(), **mailbox(server))
        assert (got.returncode, "2 mails came back: 1 heeded, 1 nothing to do" in got.stdout) == (0, True), (
            got.stdout + got.stderr
        )
        assert server.unread() == 0
        assert bouncing.account("weekly/2") == {"accepted": 1, "suppressed": 1}
        assert "no mail came back" in bouncing.command("events", "mailbox", **mailbox(server)).stdout
    with ImapServer(complaint(sent_from(bouncing, BOB)), uid_behind=True) as server:
        assert "1 heeded" in bouncing.command("events", "mailbox", **mailbox(server)).stdout


@pytest.mark.rather_sqlite
@pytest.mark.parametrize("script", [lambda _: None, lambda command: CLOSE if command == "LOGOUT" else None])
def test_of_a_mailbox_full_of_bounces_the_alarms_are_looked_at_once(
    bouncing: Project, monkeypatch: pytest.MonkeyPatch, script: Any
) -> None:
    looked: list[str] = []
    looks = hearing.look

    def watched(app: Any, connection: Any, issue: Any) -> Any:
        looked.append(issue.name)
        return looks(app, connection, issue)

    monkeypatch.setattr(hearing, "look", watched)
    with ImapServer(*(bounce(sent_from(bouncing, one)) for one in (ANN, BOB)), script=script) as server:
        assert "2 heeded" in bouncing.command("events", "mailbox", **mailbox(server)).stdout
    assert looked == ["weekly/1"]


@pytest.mark.rather_sqlite
def test_a_complaint_in_the_mailbox_is_heeded_and_the_mail_moved(bouncing: Project) -> None:
    for capabilities in ("IMAP4rev1 UIDPLUS MOVE", "IMAP4rev1 UIDPLUS", "IMAP4rev1"):
        with ImapServer(complaint(sent_from(bouncing, BOB)), capabilities=capabilities) as server:
            got = bouncing.command("events", "mailbox", DIGEST_BOUNCES__DONE='Done "heeded"', **mailbox(server))
            assert got.returncode == 0, got.stderr
            assert server.unread() == 0
            assert (
                server.kept[0].folder
                == {0: "INBOX", 1: "", 2: 'Done \\"heeded\\'}[capabilities.count("UIDPLUS") + capabilities.count("MOVE")]
            )
    assert suppressed(bouncing) == {BOB: "complained"}


def test_who_dies_before_a_mail_is_marked_as_read_finds_it_known(bouncing: Project) -> None:
    raw = bounce(sent_from(bouncing, ANN))
    with ImapServer(raw, script=lambda command: CLOSE if command == "UID STORE" else None) as server:
        got = bouncing.command("events", "mailbox", **mailbox(server))
        assert (got.returncode, server.unread()) == (5, 1)
    assert suppressed(bouncing) == {ANN: "bounced"}
    with ImapServer(raw) as server:
        assert "1 taken in before" in bouncing.command("events", "mailbox", **mailbox(server)).stdout
        assert server.unread() == 0


@pytest.mark.rather_sqlite
def test_a_mailbox_that_cannot_be_read_stops_no_run_and_is_told(bouncing: Project) -> None:
    bouncing.offer(article("a"), article("b", at=MONDAY))
    for script, said in (
        (lambda command: SILENCE if command == "UID SEARCH" else None, "out of reach"),
        (lambda command: React("TAG NO there is none") if command == "SELECT" else None, "bounces.folder"),
        (lambda command: React("nonsense\r\n\r\n", end="close") if command == "LOGIN" else None, "no IMAP"),
    ):
        with ImapServer(script=script) as server:
            got = bouncing.command("run", "--now", (MONDAY + WEEK).isoformat(), **mailbox(server))
            assert (got.returncode, said in got.stderr) == (1, True), (said, got.stderr)
    with ImapServer(login=("bounces", "another")) as server:
        got = bouncing.command("events", "mailbox", **mailbox(server))
    assert (got.returncode, "refuses the login" in got.stderr, "secret" in got.stderr) == (5, True, False)
    assert bouncing.account("weekly/2") == {"accepted": 2}


@pytest.mark.rather_sqlite
def test_a_mailbox_needs_its_login_and_clear_text_is_for_this_machine_alone(bouncing: Project) -> None:
    for environment, said in (
        ({}, "bounces.host is not set"),
        ({"DIGEST_BOUNCES__HOST": "imap.example"}, "set bounces.username too"),
        ({"DIGEST_BOUNCES__HOST": "imap.example", "DIGEST_BOUNCES__USERNAME": "u"}, "DIGEST_BOUNCES__PASSWORD"),
        (
            {"DIGEST_BOUNCES__HOST": "imap.example", "DIGEST_BOUNCES__USERNAME": "u", "DIGEST_BOUNCES__PASSWORD": "p"}
            | {"DIGEST_BOUNCES__SECURITY": "none"},
            "clear text",
        ),
        ({"DIGEST_PROVIDERS__SMTP__BOUNCE_ADDRESS": f"{'b' * 16}@news.example"}, "shorten it"),
    ):
        got = bouncing.command("events", "mailbox", **environment)
        assert (got.returncode, said in got.stderr) == (2, True), got.stderr


def test_who_writes_to_leave_has_left(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        project.environment |= {
            "DIGEST_PROVIDERS__SMTP__BOUNCE_ADDRESS": BASE,
            "DIGEST_BOUNCES__UNSUBSCRIBE_BY_MAIL": "true",
        }
        two_readers(project)
        project.run()
        offered = project.mails(ANN)[0]["List-Unsubscribe"]
        page, mail = (one.strip(" <>") for one in offered.split(","))
        assert page.startswith("https://")
        assert project.mails(ANN)[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        to, _, subject = mail.removeprefix("mailto:").partition("?subject=")
        assert to == BASE
        token = subject.removeprefix("unsubscribe%20")
        written = plain("Ann <ann@x.example>", f"unsubscribe {token}", "").replace("{to}", to).encode()
        forged = plain("Ann <ann@x.example>", f"unsubscribe {'A' * 32}", "").replace("{to}", to).encode()
        wrong = make_token(b"k" * 32, Purpose.UNSUBSCRIBE, 1)
        assert "1 of no mail of ours" in pipe(project, forged).stdout
        assert "1 of no mail of ours" in pipe(project, forged.replace(b"A" * 32, wrong.encode())).stdout
        assert "1 unsubscribed" in pipe(project, written).stdout
        assert "left by mail" in project.command("subscribers", "show", ANN).stdout
        assert next_issue(project) == {"accepted": 1}


def soft(project: Project, email: str, day: datetime) -> None:
    """A full mailbox, of the last mail to somebody."""
    raw = SPECIMENS[5].raw(sent_from(project, email)).replace(b"<b1@", f"<soft-{day:%Y%m%d}@".encode())
    assert "1 heeded" in pipe(project, bounce("", raw)).stdout


def test_soft_bounces_end_it_only_when_they_last(bouncing: Project) -> None:
    soft(bouncing, ANN, MONDAY)
    for week in (1, 2):
        bouncing.offer(article(f"w{week}", at=MONDAY))
        bouncing.run(MONDAY + week * WEEK)
        soft(bouncing, ANN, MONDAY + week * WEEK)
        assert suppressed(bouncing) == ({ANN: "soft bounces"} if week == 2 else {})
    bouncing.offer(article("w3", at=MONDAY))
    bouncing.run(MONDAY + 3 * WEEK)
    assert bouncing.account("weekly/4") == {"accepted": 1, "suppressed": 1}


def test_mails_that_arrived_in_between_count_though_a_relay_told_of_another_reader(bouncing: Project) -> None:
    """Ann's mailbox was full, and not in the second week; of that one Bob's relay says `delivered`, and nobody anything of Ann's."""
    soft(bouncing, ANN, MONDAY)
    for week in range(1, 4):
        bouncing.offer(article(f"w{week}", at=MONDAY))
        bouncing.run(MONDAY + week * WEEK)
        if week == 1:
            raw = UNKNOWN_USER.raw(sent_from(bouncing, BOB)).replace(b"Action: failed", b"Action: delivered")
            assert raw != UNKNOWN_USER.raw(sent_from(bouncing, BOB))
            assert "1 heeded" in pipe(bouncing, bounce("", raw.replace(b"Status: 5", b"Status: 2"))).stdout
        if week == 2:
            soft(bouncing, ANN, MONDAY + week * WEEK)
    long_ago(bouncing)
    soft(bouncing, ANN, MONDAY + 3 * WEEK)
    assert suppressed(bouncing) == {}


def long_ago(project: Project) -> None:
    """Everything was sent ten weeks earlier than it was: of a mail that is so old nothing is heard any more."""
    row = tables.issue.c
    with project.app() as app, app.store.writing() as connection:
        for number, at in connection.execute(select(row.id, row.slot_at)).all():
            connection.execute(update(tables.issue).where(row.id == number).values(slot_at=at - 10 * WEEK))


def test_who_may_be_mailed_again_begins_anew(bouncing: Project) -> None:
    for week in range(3):
        if week:
            bouncing.offer(article(f"w{week}", at=MONDAY))
            bouncing.run(MONDAY + week * WEEK)
        soft(bouncing, ANN, MONDAY + week * WEEK)
    assert suppressed(bouncing) == {ANN: "soft bounces"}
    lifted = (MONDAY + 2 * WEEK + timedelta(days=1)).isoformat()
    said = bouncing.command("suppressions", "lift", ANN, "--reason", "there is room again", "--now", lifted)
    assert said.returncode == 0, said.stderr
    bouncing.offer(article("w3", at=MONDAY))
    bouncing.run(MONDAY + 3 * WEEK)
    soft(bouncing, ANN, MONDAY + 3 * WEEK)
    assert suppressed(bouncing) == {}


def test_a_bounce_of_the_address_that_somebody_had_says_nothing_of_the_one_they_have(bouncing: Project) -> None:
    was, move = sent_from(bouncing, ANN), tables.address_change
    person, after = tables.subscriber.c, MONDAY + timedelta(days=1)
    with bouncing.app() as app, app.store.writing() as connection:
        ann = connection.execute(select(person.id).where(person.address == ANN)).scalar_one()
        values = {"subscriber_id": ann, "email": "ann@new.example", "address": "ann@new.example", "at": after}
        number = connection.execute(insert(move).values(values).returning(move.c.id)).scalar_one()
        for old in (True, False):
            moving.agree(connection, number, old=old, now=after)
        found = moving.find(connection, number, now=after)
        assert found is not None
        assert moving.carry_out(connection, found, now=after)
    assert "1 heeded" in pipe(bouncing, bounce(was)).stdout
    assert suppressed(bouncing) == {}
    assert "1 heeded" in pipe(bouncing, complaint(was)).stdout  # that is theirs, wherever they read it
    assert suppressed(bouncing) == {"ann@new.example": "complained"}


def test_case_14_who_bounced_while_the_delivery_waits_is_not_sent_it(bouncing: Project) -> None:
    bouncing.offer(article("a"), article("b", at=MONDAY))
    bouncing.plan(MONDAY)
    got = bouncing.command("run", "--now", (MONDAY + WEEK).isoformat(), DIGEST_PROVIDERS__SMTP__PORT="1")
    assert got.returncode == 5
    assert "accepted" not in bouncing.account("weekly/2")
    pipe(bouncing, bounce(sent_from(bouncing, ANN)))
    bouncing.run(MONDAY + WEEK + timedelta(hours=1))
    assert bouncing.account("weekly/2") == {"accepted": 1, "suppressed": 1}
    assert len(bouncing.mails(ANN)) == 1
