"""`digest subscribers`: people come one by one, or from a file; who is wrong stops only themselves."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from digest.audience.suppression import suppress
from tests.journeys.project import MONDAY, Project, article

NOW = MONDAY.isoformat()


def listed(project: Project) -> dict[str, dict[str, Any]]:
    got = project.command("subscribers", "list", "--json")
    assert got.returncode == 0, got.stderr
    return {one["email"]: one for one in json.loads(got.stdout)}


def people(project: Project, content: str | bytes, *arguments: str) -> tuple[int, dict[str, Any], str]:
    file = project.folder / "people.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    got = project.command("subscribers", "import", "people.csv", "--json", *arguments)
    return got.returncode, json.loads(got.stdout or "{}"), got.stderr


def test_somebody_is_added_changed_listed_and_shown(project: Project) -> None:
    added = project.command("subscribers", "add", "Eve@X.example", "--topics", "python,security", "--confirmed", "--now", NOW)
    assert (added.returncode, added.stdout) == (0, "Eve@X.example: added, active, weekly weekly, python security\n")
    changed = project.command("subscribers", "add", "eve@x.example", "--topics", "databases", "--json")
    assert json.loads(changed.stdout)["topics"] == "databases"
    eve = next(one for email, one in listed(project).items() if email.lower() == "eve@x.example")
    assert (eve["state"], eve["topics"]) == ("active", "databases")
    project.run(MONDAY)
    shown = json.loads(project.command("subscribers", "show", "EVE@x.example", "--json").stdout)
    assert [(one["issue"], one["state"]) for one in shown["deliveries"]] == [("weekly/1", "accepted")]
    assert project.read("eve@x.example") == [["b"]]


def test_who_is_not_confirmed_is_asked_to_confirm_and_gets_nothing_else(project: Project) -> None:
    added = project.command("subscribers", "add", "eve@x.example", "--topics", "python", "--now", NOW)
    assert "pending" in added.stdout
    assert "a mail that asks them to confirm goes out" in added.stdout
    project.run(MONDAY)
    (mail,) = project.mails("eve@x.example")
    assert mail["Subject"] == "Please confirm: Backend Weekly"
    assert project.account("weekly/1") == {"accepted": 2}


def test_who_is_added_again_is_written_to_at_most_once_an_hour(project: Project) -> None:
    project.command("subscribers", "add", "eve@x.example", "--now", NOW)
    again = project.command("subscribers", "add", "eve@x.example", "--now", NOW)
    assert "written to within the hour" in again.stderr
    said = json.loads(project.command("subscribers", "add", "eve@x.example", "--now", NOW, "--json").stdout)
    assert (said["written"], said["state"]) == (False, "pending")
    later = (MONDAY + timedelta(hours=1, minutes=1)).isoformat()
    assert json.loads(project.command("subscribers", "add", "eve@x.example", "--now", later, "--json").stdout)["written"]
    assert not json.loads(project.command("subscribers", "add", "bob@x.example", "--confirmed", "--json").stdout)["written"]
    project.run(MONDAY + timedelta(hours=2))
    assert len(project.mails("eve@x.example")) == 2


def test_nobody_who_must_not_be_mailed_is_asked_to_confirm(project: Project) -> None:
    with project.app() as app, app.store.writing() as connection:
        suppress(connection, "eve@x.example", "*", reason="complained", source="test", now=MONDAY)
    said = json.loads(project.command("subscribers", "add", "eve@x.example", "--now", NOW, "--json").stdout)
    assert (said["written"], said["suppressed"]) == (False, True)
    project.run(MONDAY)
    assert project.mails("eve@x.example") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("eve@x.example", "--topics", "pyton"), "python"),
        (("eve@x.example", "--frequency", "2"), "'2'"),
        (("eve@x.example", "--timezone", "Mars/Base"), "Mars/Base"),
        (("eve@x.example", "--language", "klingon!"), "klingon!"),
        (("eve@x.example", "--name", "a\nBcc: b"), "control character or a line break"),
        (("eve@x.example\nBcc: b@x.example",), "Bcc"),
        (("eve",), "@"),
        (("eve@x.example", "--newsletter", "nope"), "weekly"),
    ],
)
def test_who_is_added_wrongly_is_one_line_and_nobody_is_added(project: Project, arguments: tuple[str, ...], said: str) -> None:
    before = listed(project)
    got = project.command("subscribers", "add", *arguments)
    assert got.returncode == 2
    (line,) = got.stderr.splitlines()
    assert said in line
    assert listed(project) == before


def test_a_file_is_taken_in_and_its_bad_rows_are_named(project: Project) -> None:
    content = (
        "email,name,topics,frequency,timezone,language,confirmed\n"
        'one@x.example,"Öne, Æ",python; security,,Europe/Berlin,en,yes\n'
        "two@x.example,,,,,,\n"
        "nobody\n"
        "three@x.example,,pyton,,,,yes\n"
        "ONE@x.example,,,,,,yes\n"
    )
    code, report, _ = people(project, content)
    assert code == 1
    assert [bad["line"] for bad in report["bad_rows"]][:2] == [4, 5]
    assert "python" in report["bad_rows"][1]["reason"]
    found = listed(project)
    assert (found["one@x.example"]["state"], found["two@x.example"]["state"]) == ("active", "pending")
    assert "three@x.example" not in found
    assert people(project, content)[0] == 1
    assert listed(project).keys() == found.keys()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "email"),
        (b"name,topics\nx,y\n", "email"),
        ("email\nümlaut@x.example\n".encode("latin-1"), "UTF-8"),
        (bytes(range(256)) * 10, "UTF-8"),
        (b"email\nx@x.example\n\x00\n", "NUL"),
    ],
)
def test_a_file_that_is_no_list_of_people_is_one_line(project: Project, content: bytes, said: str) -> None:
    code, _, complaint = people(project, content)
    assert code in {1, 2}
    assert "Traceback" not in complaint
    if code == 2:
        (line,) = complaint.splitlines()
        assert said in line
        assert "people.csv" in line


def test_what_is_exported_can_be_imported_again(project: Project) -> None:
    project.command("subscribers", "add", "eve@x.example", "--name", "=cmd|' /C calc'!A1", "--topics", "python")
    exported = project.command("subscribers", "export")
    assert exported.returncode == 0
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert [(row["email"], row["topics"], row["confirmed"]) for row in rows] == [
        ("ann@x.example", "", "yes"),
        ("bob@x.example", "python", "yes"),
        ("eve@x.example", "python", "no"),
    ]
    assert not rows[2]["name"].startswith("=")
    before = listed(project)
    assert people(project, exported.stdout)[0] == 0
    assert listed(project) == before


def test_an_export_says_whom_it_leaves_out(project: Project) -> None:
    assert project.command("subscribers", "export").stderr == ""
    project.leave("bob@x.example")
    got = project.command("subscribers", "export")
    assert (got.returncode, got.stderr) == (0, "left out: 1 who unsubscribed, 0 who paused, 0 who must not be mailed\n")
    assert "bob@" not in got.stdout


def test_who_paused_is_not_in_an_export_that_would_have_them_mailed_again(project: Project) -> None:
    project.command("subscribers", "pause", "ann@x.example")
    got = project.command("subscribers", "export")
    assert (got.returncode, got.stderr) == (0, "left out: 0 who unsubscribed, 1 who paused, 0 who must not be mailed\n")
    assert [row["email"] for row in csv.DictReader(io.StringIO(got.stdout))] == ["bob@x.example"]
    assert people(project, got.stdout)[0] == 0
    assert "paused" in project.command("subscribers", "show", "ann@x.example").stdout


def test_an_empty_audience_is_a_skipped_issue_and_exit_0(project: Project) -> None:
    for email in ("ann@x.example", "bob@x.example"):
        project.leave(email)
    got = project.command("run", "--now", NOW)
    assert got.returncode == 0
    assert "weekly/1: skipped (nobody is subscribed weekly to weekly)" in got.stdout
    project.join("eve@x.example", at=MONDAY)
    project.offer(article("a"), article("c", at=MONDAY))
    assert project.sink.connections == 0
