"""What a dry run leaves behind."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from digest.delivery.outbox import Outbox, Rehearsed
from digest.delivery.providers.answer import Outcome
from digest.issues.issue import Issue, frozen_of
from digest.testing.fake_provider import FakeProvider
from digest.testing.specimens import DATE, a_rendition, envelopes
from tests.issues.newsroom import Newsroom, a_newsroom

pytestmark = pytest.mark.usefixtures("database")


def rehearse(outbox: Outbox, issue: Issue, many: int = 3) -> FakeProvider:
    provider = FakeProvider(batch_limit=10)
    rehearsed = Rehearsed(provider, outbox).open()
    rendition = replace(a_rendition(), issue=issue.name)
    assert rehearsed.send(rendition, envelopes(many), DATE).outcomes == (Outcome.ACCEPTED,) * many
    rehearsed.close()
    return provider


def an_issue(newsroom: Newsroom) -> Issue:
    for name in ("=ann", "none", "held"):
        newsroom.join(name, "career" if name == "none" else "")
    newsroom.suppress("held")
    newsroom.arrive("a")
    return newsroom.issue()


def finished(newsroom: Newsroom, outbox: Outbox, issue: Issue) -> Path:
    with newsroom.store.reading() as connection:
        return outbox.finish(connection, issue, frozen_of(connection, issue))


def test_no_provider_is_ever_opened_and_each_request_is_written_down(tmp_path: Path) -> None:
    with a_newsroom(tmp_path) as newsroom:
        issue = an_issue(newsroom)
        outbox = Outbox(tmp_path / "outbox", every_message=False)
        folder = outbox.begin(issue)
        provider = rehearse(outbox, issue)
        assert (provider.opened, provider.sends, provider.carried) == (0, [], [])
        lines = (folder / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["rcpt_to"] for line in lines] == [one.address for one in envelopes(3)]


def test_the_first_message_of_a_rendition_is_kept_or_every_one(tmp_path: Path) -> None:
    with a_newsroom(tmp_path) as newsroom:
        issue = an_issue(newsroom)
        for every, kept in ((False, 1), (True, 6)):
            outbox = Outbox(tmp_path / "outbox", every_message=every)
            folder = outbox.begin(issue)
            rehearse(outbox, issue)
            second = Rehearsed(FakeProvider(batch_limit=10), outbox)
            second.send(
                replace(a_rendition(), issue=issue.name),
                [replace(one, delivery_id=f"other-{one.delivery_id}") for one in envelopes(3)],
                DATE,
            )
            messages = list((folder / "messages").iterdir())
            assert len(messages) == kept
            assert sorted(path.name for path in (folder / "renditions").iterdir()) == ["0001.html", "0001.txt"]
            assert all(b"List-Unsubscribe" in path.read_bytes() for path in messages)


def test_who_gets_what_and_why_not_stands_in_a_file_that_a_spreadsheet_may_open(tmp_path: Path) -> None:
    with a_newsroom(tmp_path) as newsroom:
        issue = an_issue(newsroom)
        outbox = Outbox(tmp_path / "outbox", every_message=False)
        outbox.begin(issue)
        rehearse(outbox, issue)
        folder = finished(newsroom, outbox, issue)
        with (folder / "recipients.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [(row["rendition"], row["why_not"]) for row in rows] == [
            ("0001", ""),
            ("", "nothing new under their topics"),
            ("", "the address must not be mailed"),
        ]
        assert not rows[0]["email"].startswith("=")
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        assert {name: summary[name] for name in ("deliveries", "skipped", "suppressed", "renditions")} == {
            "deliveries": 1,
            "skipped": 1,
            "suppressed": 1,
            "renditions": 1,
        }
        assert [article["title"] for article in summary["articles"]] == ["Title a"]
        page = (folder / "index.html").read_text(encoding="utf-8")
        assert "<script" not in page
        assert "Title a" in page
        assert "loading=" not in page  # the first frames are there at once, for a printer or a screenshot as well


def test_beginning_again_removes_what_an_earlier_one_left_and_nothing_else(tmp_path: Path) -> None:
    with a_newsroom(tmp_path) as newsroom:
        issue = an_issue(newsroom)
        outbox = Outbox(tmp_path / "outbox", every_message=True)
        folder = outbox.begin(issue)
        rehearse(outbox, issue)
        (folder / "mine.txt").write_text("kept", encoding="utf-8")
        assert outbox.begin(issue) == folder
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        assert found == {"mine.txt", "messages", "renditions", "requests.jsonl"}
