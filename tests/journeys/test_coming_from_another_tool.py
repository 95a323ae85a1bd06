"""Coming from another tool: what readers have had there is never sent to them."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta

import pytest

from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

DAY = timedelta(days=1)
ANN, BOB = "ann@x.example", "bob@x.example"
NOW = ("--now", BEGAN.isoformat())


@pytest.fixture
def moving(project: Project) -> Project:
    """Two readers and three articles, of which the older two went out with the other tool."""
    project.join(ANN)
    project.join(BOB)
    project.offer(article("a", at=BEGAN - 3 * WEEK), article("b", at=BEGAN - 2 * WEEK), article("c", at=BEGAN - DAY))
    assert project.command("articles", "fetch", *NOW).returncode == 0
    return project


def url(key: str) -> str:
    return f"https://backend.example/{key}"


def listed(project: Project, *lines: str) -> str:
    file = project.folder / "had.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def test_what_came_out_before_a_day_is_sent_to_nobody_now_or_later(moving: Project) -> None:
    said = moving.command("articles", "cover", "--before", "2026-11-15", *NOW)
    assert (said.returncode, said.stdout) == (0, "had already by everybody: 2 articles, 2 written down, 0 known before\n")
    again = moving.command("articles", "cover", "--before", "2026-11-15", *NOW)
    assert again.stdout == "had already by everybody: 2 articles, 0 written down, 2 known before\n"
    moving.join("later@x.example", at=BEGAN + DAY)
    moving.run(MONDAY)
    moving.run(MONDAY + WEEK)
    for reader in (ANN, BOB, "later@x.example"):
        assert moving.read(reader) == [["c"]], reader
    assert moving.reasons("weekly/1")["Title a"] == "had_already"
    told = json.loads(moving.command("stats", "weekly/1", "--json").stdout)
    assert told["had_already"] == {"articles": 2, "readers": 0}
    assert "2 of its articles had been had already by everybody" in moving.command("stats", "weekly/1").stdout
    for issue in ("weekly/1", "weekly/2"):
        why = moving.command("explain", issue, "--subscriber", ANN, "--article", url("a")).stdout
        assert "“Title a” is not in the mail of ann@x.example: they had it already, marked on 2026-11-20." in why, issue


def test_one_reader_of_a_list_is_spared_and_the_others_are_not(moving: Project) -> None:
    file = listed(moving, url("a"), "", "b")
    said = moving.command("articles", "cover", "--file", file, "--subscriber", ANN, *NOW)
    assert said.stdout == "had already by 1 reader: 2 articles, 2 written down, 0 known before\n"
    moving.run(MONDAY)
    assert moving.read(ANN) == [["c"]]
    assert moving.read(BOB) == [["c", "b", "a"]]
    told = json.loads(moving.command("stats", "weekly/1", "--json").stdout)
    assert told["had_already"] == {"articles": 0, "readers": 1}
    why = moving.command("explain", "weekly/1", "--subscriber", ANN, "--article", url("b")).stdout
    assert "they had it already, marked on 2026-11-20" in why
    assert "it is new" in moving.command("explain", "weekly/1", "--subscriber", BOB, "--article", url("b")).stdout


@pytest.mark.parametrize("header", ["email,article", "Article,Email", "email;article"])
def test_a_list_with_a_column_for_readers_spares_each_what_they_had(moving: Project, header: str) -> None:
    between = ";" if ";" in header else ","
    rows = [(ANN, url("a")), (BOB.upper(), url("b")), (ANN, url("b"))]
    lines = [between.join(pair if header.startswith("email") else pair[::-1]) for pair in rows]
    said = moving.command("articles", "cover", "--file", listed(moving, header, *lines), "--json", *NOW)
    assert json.loads(said.stdout) == {
        "articles": 2,
        "readers": 2,
        "new": 3,
        "known": 0,
        "dry_run": False,
        "bad_lines": [],
    }
    moving.run(MONDAY)
    assert moving.read(ANN) == [["c"]]
    assert moving.read(BOB) == [["c", "a"]]


def test_a_bad_line_is_named_with_its_number_and_stops_only_itself(moving: Project) -> None:
    file = listed(
        moving, "email,article", f"{ANN},{url('a')}", f"{ANN},{url('gone')}", f"nobody@x.example,{url('a')}", f",{url('a')}", ANN
    )
    said = moving.command("articles", "cover", "--file", file, *NOW)
    assert said.returncode == 1
    assert said.stdout == "had already by 1 reader: 1 article, 1 written down, 0 known before\n"
    assert said.stderr.splitlines() == [
        f"line 3: no article is known as '{url('gone')}'; `digest articles list` shows their numbers, ids and addresses",
        "line 4: nobody is known by nobody@x.example; `digest subscribers list` shows who is",
        "line 5: has no email",
        "line 6: has no article",
    ]


def test_csv_without_a_header_is_told_that_it_needs_one(moving: Project) -> None:
    said = moving.command("articles", "cover", "--file", listed(moving, f"{url('a')},{ANN}", f"{url('b')},{ANN}"), *NOW)
    assert said.returncode == 1
    first, second = said.stderr.splitlines()
    assert first.startswith(f"line 1: no article is known as '{url('a')},{ANN}'")
    assert first.endswith(
        "; should this be CSV, its first line must be its header: article and email, in the order of the columns"
    )
    assert second.startswith(f"line 2: no article is known as '{url('b')},{ANN}'")
    assert "header" not in second


def test_what_cannot_be_is_one_line_and_writes_nothing_down(moving: Project) -> None:
    for arguments, why in (
        ((), "either --before DATE or --file LIST"),
        (("--before", "2026-11-01", "--file", "x"), "either --before DATE or --file LIST"),
        (("--before", "soon"), "--before: 'soon' is not a date"),
        (("--before", "2027-01-01"), "--before: 2027-01-01 00:00 UTC is still to come"),
        (("--before", "2026-11-01", "--subscriber", "no@x.example"), "nobody is known by no@x.example"),
        (("--file", "missing.txt"), "missing.txt: there is no such file"),
        (("--file", listed(moving, "email,link", f"{ANN},a")), "had.txt: the header has email, link and no column 'article'"),
    ):
        refused = moving.command("articles", "cover", *arguments, *NOW)
        assert refused.returncode == 2, arguments
        assert refused.stderr.count("\n") == 1
        assert why in refused.stderr
    both = moving.command("articles", "cover", "--file", listed(moving, "article,email", f"a,{ANN}"), "--subscriber", BOB, *NOW)
    assert both.returncode == 1
    assert "line 2: names a reader, and --subscriber names one, too" in both.stderr
    moving.run(MONDAY)
    assert moving.read(ANN) == moving.read(BOB) == [["c", "b", "a"]]


def test_a_dry_run_of_it_writes_nothing_down(moving: Project) -> None:
    said = moving.command("articles", "cover", "--before", "2026-11-15", "--dry-run", *NOW)
    assert said.stdout == "had already by everybody: 2 articles, 2 would be written down, 0 known before\n"
    moving.run(MONDAY)
    assert moving.read(ANN) == [["c", "b", "a"]]


def test_what_is_on_its_way_is_refused_until_it_has_ended(moving: Project) -> None:
    moving.plan(MONDAY)
    refused = moving.command("articles", "cover", "--before", "2026-11-15", "--now", MONDAY.isoformat())
    assert refused.returncode == 3
    assert "is on its way with weekly/1 just now" in refused.stderr
    assert moving.command("issues", "cancel", "weekly/1", "--now", MONDAY.isoformat()).returncode == 0
    assert moving.command("articles", "cover", "--before", "2026-11-15", "--now", MONDAY.isoformat()).returncode == 0
    moving.run(MONDAY + WEEK)
    assert moving.read(ANN) == moving.read(BOB) == [["c"]]


def test_what_was_had_is_not_sent_by_an_issue_that_was_approved_before_that_was_said(moving: Project) -> None:
    moving.configure('approval = "automatic"', 'approval = "required"')
    moving.command("issues", "draft", "weekly", *NOW)
    moving.command("issues", "approve", "weekly/1", *NOW)
    moving.command("articles", "cover", "--file", listed(moving, url("c")), *NOW)
    moving.command("articles", "cover", "--file", listed(moving, url("b")), "--subscriber", ANN, *NOW)
    moving.run(MONDAY)
    assert moving.read(ANN) == [["a"]]
    assert moving.read(BOB) == [["b", "a"]]


def test_what_somebody_is_owed_and_had_is_owed_no_more(moving: Project) -> None:
    moving.configure("max_articles = 20", "max_articles = 1")
    moving.run(MONDAY)
    moving.command("articles", "cover", "--file", listed(moving, url("b")), "--subscriber", ANN, "--now", MONDAY.isoformat())
    for week in (1, 2):
        moving.run(MONDAY + week * WEEK)
    assert moving.read(ANN) == [["c"], ["a"]]
    assert moving.read(BOB) == [["c"], ["b"], ["a"]]


def test_of_who_is_erased_it_is_not_known_any_more(moving: Project) -> None:
    moving.command("articles", "cover", "--file", listed(moving, url("a")), "--subscriber", ANN, *NOW)
    assert moving.command("subscribers", "erase", ANN).returncode == 0
    moving.join(ANN)
    moving.run(MONDAY)
    assert moving.read(ANN) == [["c", "b", "a"]]


def test_from_the_other_tools_export_to_the_first_issue_here(moving: Project) -> None:
    """Who agreed there gets what is new, under the topics that their tags are; who left, bounced or never agreed gets nothing."""
    columns = (
        "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LEID,EUID,NOTES,TAGS\n"
    )
    came = "2020-02-03 04:05:06,192.0.2.7,2020-02-03 04:06:00,192.0.2.8"
    people = {
        "subscribed": f'cy@x.example,Cy,,2,{came},1,e,,\ndee@x.example,Dee,,2,{came},2,f,,"""Weekly News"""\n',
        "unsubscribed": f"gone@x.example,,,2,{came},3,g,,\n",
        "cleaned": f"bounced@x.example,,,2,{came},4,h,,\n",
        "nonsubscribed": f"buyer@x.example,,,2,{came},5,i,,\n",
    }
    with zipfile.ZipFile(moving.folder / "export.zip", "w") as archive:
        for status, rows in people.items():
            archive.writestr(f"{status}_email_audience_export_1f.csv", columns + rows)
    taken = moving.command("subscribers", "import", "export.zip", "--map", "weekly news=security", *NOW)
    assert taken.returncode == 0, taken.stderr
    assert moving.command("articles", "cover", "--before", "2026-11-15", *NOW).returncode == 0
    moving.offer(article("c", at=BEGAN - DAY), article("s", tags=("security",), at=BEGAN - DAY))
    moving.run(MONDAY)
    assert [sorted(mail) for mail in moving.read("cy@x.example")] == [["c", "s"]]
    assert moving.read("dee@x.example") == [["s"]]
    for nobody in ("gone@x.example", "bounced@x.example", "buyer@x.example"):
        assert moving.mails(nobody) == []
    shown = moving.command("subscribers", "show", "cy@x.example").stdout
    assert "from 192.0.2.0/24 (from mailchimp, opted in 2020-02-03 04:05 UTC, confirmed 2020-02-03 04:06 UTC)" in shown
