"""What people get wrong: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeys.project import MONDAY, Project, article

NOW = MONDAY.isoformat()


def one_line(complaint: str) -> str:
    """The one line that was said; more, or a traceback, is a failure."""
    (line,) = complaint.splitlines()
    return line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "articles.json"),
        ("[{", "line 1"),
        ('{"a": 1}', "articles.json"),
        ('"text"', "articles.json"),
    ],
)
def test_an_articles_file_that_cannot_be_read_is_one_line_and_exit_5(project: Project, content: str | None, said: str) -> None:
    project.join("ann@x.example")
    file = project.folder / "articles.json"
    file.unlink() if content is None else file.write_text(content, encoding="utf-8")
    got = project.command("articles", "fetch")
    assert got.returncode == 5
    assert said in one_line(got.stderr)
    assert project.command("run", "--now", NOW).returncode == 5
    assert project.issues() == []


def test_ten_percent_of_bad_entries_stop_only_themselves(project: Project) -> None:
    project.join("ann@x.example")
    good = [article(f"n{number}") for number in range(18)]
    bad = [{"title": "no address"}, article("x", url="javascript:alert(1)")]
    project.offer(*good[:5], bad[0], *good[5:], bad[1], article("n3"))
    got = project.command("run", "--now", NOW)
    assert got.returncode == 0
    faults = [line for line in got.stderr.splitlines() if "entry" in line]
    assert any("entry 5" in line and "url" in line for line in faults)
    assert any("entry 19" in line for line in faults)
    assert any("entry 20" in line for line in faults)
    assert len(project.read("ann@x.example")[0]) == 10  # max_per_topic


def test_dates_without_a_zone_and_odd_titles_are_taken_as_they_are_meant(project: Project) -> None:
    project.join("ann@x.example")
    project.configure('timezone = "UTC"', 'timezone = "Europe/Berlin"')
    project.offer(
        article("a", published_at="2026-11-19T08:00:00"),
        article("b", title="<b>Bold</b> &amp; \u202eodd\x07"),
        article("c", title="  spaced\n out  "),
    )
    project.run()
    titles = set(project.reasons("weekly/1"))
    assert titles == {"Title a", "Bold & odd", "spaced out"}


def test_a_malformed_feed_stops_only_itself(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    (project.folder / "feed.xml").write_text("this is not a feed", encoding="utf-8")
    project.configure("[[newsletters]]", '[[sources]]\nname = "broken"\nkind = "feed"\npath = "feed.xml"\n\n[[newsletters]]')
    got = project.command("run", "--now", NOW)
    assert got.returncode == 1
    assert [line for line in got.stderr.splitlines() if "broken" in line]
    assert project.read("ann@x.example") == [["a"]]


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('schedule = "0 9 * * 1"', 'schedule = "0 9 * *"', "newsletters.0.schedule"),
        ('schedule = "0 9 * * 1"', 'schedule = "0 9 31 2 *"', "newsletters.0.schedule"),
        ('timezone = "UTC"', 'timezone = "Mars/Base"', "newsletters.0.timezone"),
        ("max_articles = 20", "max_artciles = 20", "max_articles"),
        ("max_articles = 20", 'max_articles = "many"', "newsletters.0.max_articles"),
        ("[site]", "[site", "digest.toml"),
        ('provider = "dry-run"', 'provider = "sendgird"', "delivery.provider"),
    ],
)
def test_a_wrong_configuration_is_one_line_that_names_the_key(project: Project, before: str, after: str, key: str) -> None:
    project.environment.pop("DIGEST_DELIVERY__PROVIDER")
    project.configure(before, after)
    got = project.command("run")
    assert got.returncode == 2
    assert key in one_line(got.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("subscribers", "add", "ann@x.example", "--topics", "pyton"), "python"),
        (("subscribers", "add", "not an address"), "not an address"),
        (("subscribers", "add", "ann@x.example", "--newsletter", "daily"), "weekly"),
        (("subscribers", "import", "nowhere.csv"), "nowhere.csv"),
        (("subscribers", "show", "nobody@x.example"), "nobody@x.example"),
        (("issues", "show", "weekly/7"), "weekly/7"),
        (("issues", "show", "weekly"), "weekly/12"),
        (("issues", "draft", "dayly"), "weekly"),
        (("articles", "withdraw", "https://nowhere.example/x"), "nowhere.example"),
        (("run", "--now", "tomorrow"), "--now"),
        (("--config", "nowhere.toml", "run"), "nowhere.toml"),
        (("run", "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(project: Project, arguments: tuple[str, ...], said: str) -> None:
    got = project.command(*arguments)
    assert got.returncode == 2
    assert said in one_line(got.stderr)


def test_every_report_can_be_had_as_json(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    for arguments in (
        ("run", "--now", NOW),
        ("articles", "fetch"),
        ("articles", "list"),
        ("issues", "list"),
        ("issues", "show", "weekly/1"),
        ("issues", "check", "weekly/1"),
        ("send", "weekly/1"),
        ("stats", "weekly/1"),
        ("explain", "weekly/1", "--subscriber", "ann@x.example"),
        ("subscribers", "list"),
        ("subscribers", "show", "ann@x.example"),
        ("subscribers", "add", "bob@x.example"),
        ("config", "show"),
        ("doctor",),
    ):
        got = project.command(*arguments, "--json")
        assert got.returncode == 0, (arguments, got.stderr)
        json.loads(got.stdout)
    stats = json.loads(project.command("stats", "weekly/1", "--json").stdout)
    assert (stats["issue"], stats["state"], stats["audience"]) == ("weekly/1", "sent", 1)
    assert len(stats["account"]) == 11
    assert sum(stats["account"].values()) == stats["audience"]


def test_no_secret_is_ever_shown(project: Project) -> None:
    secrets = {
        "DIGEST_PROVIDERS__SMTP__PASSWORD": "birdsong-password",
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": "birdsong-api-key",
        "DIGEST_SECRET_KEY": "birdsong-secret-key-0123456789-0123456789",
    }
    for arguments in (("config", "show"), ("config", "show", "--json"), ("doctor",), ("run", "--now", NOW), ("config", "check")):
        got = project.command(*arguments, **secrets)
        assert "birdsong" not in got.stdout + got.stderr, arguments


def test_the_demonstration_ignores_what_is_configured_here(tmp_path: Path) -> None:
    from tests.journeys.project import a_project

    with a_project(tmp_path) as project:
        got = project.command("demo", DIGEST_DATABASE__URL="postgresql+psycopg://nowhere.example/x")
        assert got.returncode == 0, got.stderr
        folder = project.folder / "outbox" / "weekly-1"
        assert str(folder / "index.html") in got.stdout
        assert {path.name for path in folder.iterdir()} == {
            "index.html",
            "renditions",
            "messages",
            "requests.jsonl",
            "recipients.csv",
            "summary.json",
        }
        assert project.sink.connections == 0
