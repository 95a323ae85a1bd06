"""`digest subscribers import` of other tools' files, and `export`, at the command line."""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from pathlib import Path

import pytest

from digest.audience.consent import Act, Evidence, Source, write_down
from digest.audience.finding import subscription_of
from digest.audience.text_file import Progress
from digest.cli.progress import RowLines
from tests.journeys.project import MONDAY, WEEK, Project, article

GHOST = "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"
MEMBERS = (
    GHOST + '1,cy@x.example,Cy,,true,false,,2024-03-01T09:30:00.000Z,,"Weekly, VIP",\n'
    "2,gone@x.example,,,false,false,,2024-03-01T09:30:00.000Z,,,\n"
    "3,nobody,,,true,false,,2024-03-01T09:30:00.000Z,,,\n"
)


def put(project: Project, name: str, content: str | bytes) -> str:
    (project.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def states(project: Project) -> dict[str, str]:
    got = json.loads(project.command("subscribers", "list", "--json").stdout)
    return {one["email"]: "suppressed" if one["suppressed"] else one["state"] for one in got}


def everything(project: Project) -> list[str]:
    got = project.command("subscribers", "export", "--format", "json", "--suppressions")
    assert got.returncode == 0
    return got.stdout.splitlines()


def test_a_dry_run_tells_what_was_understood_and_changes_nothing(project: Project) -> None:
    put(project, "members.csv", MEMBERS)
    before = everything(project)
    got = project.command("subscribers", "import", "members.csv", "--map", "Weekly=security", "--dry-run")
    assert got.returncode == 1
    assert got.stdout.splitlines() == [
        "members.csv: ghost, UTF-8, cells between commas",
        (
            "  columns: email (e-mail address), name (name), subscribed_to_emails (status), deleted_at (status), labels (topics),"
            " created_at (opted in)"
        ),
        "  not used: id, note, complimentary_plan, stripe_customer_id, tiers",
        "  1 × subscribed to emails: confirmed",
        "  1 × not subscribed to emails: unsubscribed, from this newsletter",
        "  1 × tag Weekly: topic security",
        "  1 × tag VIP: no topic",
        "a dry run, nothing was changed; it would be: 3 rows, 1 added, 0 updated, 0 unchanged, 0 kept away, 1 bad, 0 suppressed",
        "unsubscribed there: 1 (1 new, 0 whose subscription here ends, 0 had left here already, 0 stay)",
    ]
    assert got.stderr.splitlines() == ["line 4: 'nobody' is not an e-mail address: An email address must have an @-sign."]
    assert everything(project) == before
    assert not (project.folder / "members.csv.rejects.csv").exists()


def test_members_of_another_tool_come_in_and_get_their_topics(project: Project) -> None:
    put(project, "members.csv", MEMBERS)
    got = project.command(
        "subscribers", "import", "members.csv", "--map", "Weekly=databases", "--json", "--now", MONDAY.isoformat()
    )
    report = json.loads(got.stdout)
    assert (got.returncode, report["added"], report["left"], report["bad"]) == (1, 1, 1, 1)
    assert sum(report[name] for name in list(report)[1:9]) == report["rows"]
    assert (report["files"][0]["format"], report["interrupted"], report["dry_run"]) == ("ghost", False, False)
    assert (project.folder / report["rejects"]).read_text(encoding="utf-8").splitlines()[1].startswith("members.csv:4,")
    shown = project.command("subscribers", "show", "cy@x.example").stdout
    assert "imported by import (from ghost, opted in 2024-03-01 09:30 UTC)" in shown
    project.run(MONDAY)
    assert project.read("cy@x.example") == [["b"]]
    assert project.mails("gone@x.example") == []
    shown = project.command("subscribers", "show", "gone@x.example").stdout
    assert "left by import (from ghost, opted in 2024-03-01 09:30 UTC)" in shown


def test_who_left_there_and_agreed_here_stays_and_that_is_told(project: Project) -> None:
    left = GHOST + "1,ann@x.example,,,false,false,,,,,\n2,bob@x.example,,,false,false,,,,,\n2,BOB@x.example,,,false,false,,,,,\n"
    put(project, "left.csv", left)
    with project.app() as app, app.store.writing() as connection:
        found = subscription_of(connection, "bob@x.example", "weekly")[1]
        write_down(connection, Act.CONFIRMED, found, Evidence(Source.PAGE), before=found, now=MONDAY)
    dry = project.command("subscribers", "import", "left.csv", "--dry-run")
    assert states(project) == {"ann@x.example": "active", "bob@x.example": "active"}
    got = project.command("subscribers", "import", "left.csv")
    for one in (dry, got):
        assert one.stdout.splitlines()[-2:] == [
            "1 row repeats an address that stood before",
            "unsubscribed there: 3 (0 new, 1 whose subscription here ends, 0 had left here already, 2 stay)",
        ]
        assert one.stderr.startswith("2 who unsubscribed there stay subscribed here, as they agreed here themselves")
    assert states(project) == {"ann@x.example": "unsubscribed", "bob@x.example": "active"}


def test_a_zip_is_taken_as_mailchimp_gives_it(project: Project) -> None:
    packed = io.BytesIO()
    columns = (
        "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LEID,EUID,NOTES,TAGS\n"
    )
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for status in ("subscribed", "unsubscribed", "cleaned", "nonsubscribed"):
            archive.writestr(f"{status}_email_audience_export_1f.csv", columns + f"{status}@x.example,,,2,,,,,1,e,,\n")
        archive.writestr("notes.txt", "nothing of ours\n")
    got = project.command("subscribers", "import", put(project, "export.zip", packed.getvalue()))
    assert got.returncode == 0, got.stderr
    assert "4 rows, 1 added" in got.stdout
    assert "unsubscribed there: 1 (1 new, " in got.stdout
    assert "must not be mailed: 1 bounced (1 newly suppressed); 1 left out, who never agreed" in got.stdout
    assert got.stderr.startswith("passed over notes.txt: line 1: the first line must be the header")
    assert states(project)["subscribed@x.example"] == "active"
    assert states(project)["unsubscribed@x.example"] == "unsubscribed"
    assert len([line for line in everything(project) if '"suppression"' in line]) == 1


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (MEMBERS, ("--map", "Weekly=securty"), "did you mean 'security'"),
        (MEMBERS, ("--map", "Weekly"), "write a tag, = and a topic"),
        (MEMBERS, ("--topics-from", "groups"), "the file has no such column"),
        (MEMBERS, ("--format", "mailchip"), "the formats are digest, mailchimp, sendgrid"),
        (MEMBERS, ("--format", "digest"), "the header has unknown columns"),
        (MEMBERS, ("--status", "confirmed"), "is none of unsubscribed, bounced, complained"),
        ("email\n", ("--confirmed",), "is for other tools' exports"),
        ("email,created\n", (), "say which with --status"),
        ("", (), "the file is empty"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_file_or_the_option(
    project: Project, content: str, arguments: tuple[str, ...], said: str
) -> None:
    before = everything(project)
    got = project.command("subscribers", "import", put(project, "members.csv", content), *arguments)
    assert got.returncode == 2
    (line,) = got.stderr.splitlines()
    assert said in line
    assert everything(project) == before


def test_case_32_twice_the_audience_by_another_tools_file_asks_first(project: Project) -> None:
    guarded = {"DIGEST_DELIVERY__AUDIENCE_FROM": "2"}
    assert project.code(MONDAY, **guarded) == 0
    put(project, "members.csv", GHOST + "".join(f"{n},r{n}@x.example,,,true,false,,,,,\n" for n in range(20)))
    assert project.command("subscribers", "import", "members.csv", "--now", MONDAY.isoformat()).returncode == 0
    project.offer(article("a"), article("b", tags=("databases",)), article("c", at=MONDAY))
    got = project.command("run", "--now", (MONDAY + WEEK).isoformat(), **guarded)
    assert got.returncode == 3
    assert "would go to 22 subscribers, the one before went to 2" in got.stdout


def test_an_export_of_everything_is_a_line_a_person(project: Project) -> None:
    lines = [json.loads(line) for line in everything(project)]
    assert [(one["kind"], one["email"]) for one in lines] == [("subscriber", "ann@x.example"), ("subscriber", "bob@x.example")]
    assert project.command("subscribers", "export", "--suppressions").stdout == "email,scope,reason,source,created_at\r\n"
    assert project.command("subscribers", "export", "--format", "xml").returncode == 2


def test_a_list_can_be_read_in_pages(project: Project) -> None:
    for name in ("cy", "dee", "eve"):
        project.join(f"{name}@x.example", sure=name != "dee")
    first = json.loads(project.command("subscribers", "list", "--limit", "2", "--json").stdout)
    assert [one["email"] for one in first] == ["ann@x.example", "bob@x.example"]
    rest = json.loads(project.command("subscribers", "list", "--after", "Bob@x.example", "--json").stdout)
    assert [one["email"] for one in rest] == ["cy@x.example", "dee@x.example", "eve@x.example"]
    pending = project.command("subscribers", "list", "--state", "pending").stdout
    assert pending == "dee@x.example\tweekly\tpending\tweekly\tall\n"
    assert "is none of pending, active" in project.command("subscribers", "list", "--state", "asleep").stderr
    assert json.loads(project.command("subscribers", "list", "--after", "z@x.example", "--json").stdout) == []


def test_in_cron_an_import_tells_once_a_minute_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter((0.0, 30.0, 60.0, 90.0, 125.0))
    lines = RowLines("importing", lambda: next(times))
    for rows in (600_000, 1_200_000, 1_800_000, 2_500_000):
        lines.show(rows, Progress(0 if rows > 2_000_000 else 4_000_000, rows))
    assert capsys.readouterr().err.splitlines() == [
        "importing: 1,200,000 rows, 30% of the file, 20,000/s",
        "importing: 2,500,000 rows, 20,000/s",
    ]


def test_bad_rows_go_where_they_are_wanted(project: Project, tmp_path: Path) -> None:
    put(project, "people.csv", "email\nnobody\n")
    got = project.command("subscribers", "import", "people.csv", "--rejects", str(tmp_path / "bad.csv"))
    assert got.returncode == 1
    assert got.stderr.splitlines()[-1] == f"all 1 bad rows stand in {tmp_path / 'bad.csv'}"
    assert (tmp_path / "bad.csv").read_text(encoding="utf-8").splitlines()[0] == "line,reason,row"


def test_a_pipe_is_read_and_its_bad_rows_do_not_go_beside_it(project: Project) -> None:
    folder = project.folder / "pipes"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=(folder / "pipe").write_text, args=("email\nnobody\neve@x.example\n",))
    writer.start()
    got = project.command("subscribers", "import", "pipes/pipe", "--json")
    writer.join()
    assert (json.loads(got.stdout)["added"], json.loads(got.stdout)["rejects"]) == (1, "pipe.rejects.csv")
    assert [one.name for one in folder.iterdir()] == ["pipe"]
