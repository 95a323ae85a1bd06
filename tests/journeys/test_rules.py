"""Rules of selection at work: which articles a reader gets, from the configuration to the mailbox."""

from __future__ import annotations

import json

from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

PYTHON = 'python = { title = "Python", tags = ["python"] }'
RULED = 'python = { title = "Python", tags = "python and not (career or security)" }'


def test_a_topic_with_a_rule_takes_what_meets_it_and_explains_what_does_not(project: Project) -> None:
    project.configure(PYTHON, RULED)
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b", tags=("Python", "Career")), article("c", tags=("career",)))
    project.run(MONDAY)
    assert project.read("ann@x.example") == [["a"]]
    said = project.command("explain", "weekly/1", "--subscriber", "ann@x.example", "--json")
    assert {one["reason"] for one in json.loads(said.stdout)["articles"] if not one["chosen"]} == {"no_topic"}


def test_a_rule_that_cannot_be_read_is_one_line_that_names_the_place(project: Project) -> None:
    project.configure(PYTHON, 'python = { title = "Python", tags = "python and not" }')
    said = project.command("config", "check")
    assert said.returncode == 2
    assert len(said.stderr.splitlines()) == 1
    assert "newsletters.0.topics.python.tags" in said.stderr
    assert "'python and not' is no rule for tags: it ends where a tag is expected" in said.stderr


def test_a_tag_that_a_rule_gathers_no_more_is_missed_and_one_that_it_excludes_is_not(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.configure(PYTHON, 'python = { title = "Python", tags = "python or rust" }')
    project.offer(article("a"))
    project.run(MONDAY)
    project.configure('tags = "python or rust"', 'tags = "python and not rust"')
    said = project.command("run", "--now", (MONDAY + WEEK).isoformat())
    assert said.returncode == 2
    assert "topics.python.tags: tag 'rust' is gone and 1 subscriber follows the topic" in said.stderr
    project.configure('tags = "python and not rust"', 'tags = "python and not rust", retired_tags = ["rust"]')
    project.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY, tags=("python", "rust")))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"], ["b"]]


def test_what_the_rule_of_a_moved_topic_took_goes_to_the_one_in_its_place(project: Project) -> None:
    project.configure(PYTHON, RULED)
    project.join("ann@x.example", "python")
    project.offer(article("a"))
    project.run(MONDAY)
    moved = RULED.replace(" }", ', moved_to = "languages" }')
    project.configure(RULED, moved + '\nlanguages = { title = "Languages", tags = "rust or go" }')
    came = [article(key, at=MONDAY, tags=tags) for key, tags in (("b", ("python",)), ("c", ("python", "career")), ("d", ("go",)))]
    project.offer(article("a"), *came)
    project.run(MONDAY + WEEK)
    assert [sorted(keys) for keys in project.read("ann@x.example")] == [["a"], ["b", "d"]]


def test_a_newsletter_in_one_language_takes_that_and_what_names_none(project: Project) -> None:
    project.configure("min_articles = 1", 'min_articles = 1\nlanguages = ["en"]')
    project.join("ann@x.example", "python")
    project.offer(article("a", language="en-GB"), article("b", language="de"), article("c"))
    project.run(MONDAY)
    assert [sorted(keys) for keys in project.read("ann@x.example")] == [["a", "c"]]
    said = project.command("explain", "weekly/1", "--subscriber", "ann@x.example")
    assert "it is in a language that the newsletter does not take" in said.stdout


def test_what_an_author_has_too_much_of_comes_in_the_next_issue_and_topics_take_turns(project: Project) -> None:
    more = "max_articles = 3\nmax_per_author = 1\ntopics_take_turns = true"
    project.configure("max_articles = 20", more)
    project.join("ann@x.example", "python career")
    project.offer(
        article("a", at=MONDAY, author="Kim"),
        article("b", author="kim"),
        article("c", at=MONDAY),
        article("d", at=MONDAY),
        article("e", tags=("career",)),
    )
    project.run(MONDAY + WEEK)
    project.run(MONDAY + 2 * WEEK)
    assert [sorted(keys) for keys in project.read("ann@x.example")] == [["c", "d", "e"], ["a"]]
    project.run(MONDAY + 3 * WEEK)
    assert project.everything_read("ann@x.example").total() == 5
    said = project.command("explain", "weekly/2", "--subscriber", "ann@x.example")
    assert "the mail has enough by its author; it is owed, and comes first in the next issue" in said.stdout


def test_two_orders_and_two_rules_for_tags_are_compared_before_either_is_used(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 1")
    project.offer(
        article("read", at=BEGAN, popularity=40, tags=("python", "career")),
        article("new", at=MONDAY, popularity=1),
        article("last", at=MONDAY, tags=("career", "python")),
    )
    assert project.command("articles", "fetch", "--now", (MONDAY + WEEK).isoformat()).returncode == 0
    written = (project.folder / "config" / "digest.toml").read_text(encoding="utf-8")
    other = written.replace(PYTHON, RULED).replace("max_articles = 1", 'max_articles = 1\norder = "oldest"')
    (project.folder / "other.toml").write_text(other, encoding="utf-8")
    span = ("--from", "2026-11-20", "--to", "2026-12-08")
    said = project.command("simulate", "weekly", *span, "--against", "other.toml", "--json")
    assert said.returncode == 0, said.stderr
    mine, theirs = (run["slots"] for run in json.loads(said.stdout)["runs"])
    assert sum(slot["topics"].get("python", 0) for slot in mine) > sum(slot["topics"].get("python", 0) for slot in theirs)
