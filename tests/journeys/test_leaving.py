"""From the mail to the page and out: over HTTP, by a client that knows only what stands in the mail."""

from __future__ import annotations

import re
import signal
import socket
import time
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import select

from digest.store import tables
from tests.databases import eventually
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.journeys.serving import served

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def one_click_address(mail: EmailMessage) -> str:
    """The one https address of List-Unsubscribe."""
    (found,) = re.findall(r"<(https:[^>]+)>", mail["List-Unsubscribe"])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return str(found)


def links(mail: EmailMessage) -> set[str]:
    """Every link of ours in a mail, wherever it stands."""
    bodies = [part.get_content() for kind in ("plain", "html") if (part := mail.get_body((kind,)))]
    return set(re.findall(r"https://news\.backend\.example/[^\s\"'<>)]+", "\n".join([*bodies, mail["List-Unsubscribe"]])))


def everything(project: Project) -> str:
    """All that the database holds, but for what the server counts by itself for the desk."""
    held = [table for table in tables.metadata.sorted_tables if table is not tables.figure]
    with project.app() as app, app.store.reading() as connection:
        return str([connection.execute(select(table)).all() for table in held])


def test_one_click_by_who_knows_only_the_mails_headers_and_the_next_issue_skips_them(project: Project) -> None:
    project.join("ann@x.example")
    project.join("bob@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    (mail,) = project.mails("ann@x.example")
    with served(project, "--now", MONDAY.isoformat()) as pages:
        answer = pages.ask("POST", one_click_address(mail), ONE_CLICK)
    assert (answer.status, answer.text) == (200, "You are unsubscribed.\n")
    assert not {"set-cookie", "location", "server"} & set(answer.headers)
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"]]
    assert project.read("bob@x.example") == [["a"], ["b"]]


def test_case_14_who_unsubscribed_by_one_click_while_waiting_is_not_sent_to(project: Project) -> None:
    project.join("ann@x.example")
    project.join("bob@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    address = one_click_address(project.mails("ann@x.example")[0])
    project.offer(article("a"), article("b", at=MONDAY))
    project.plan(MONDAY + WEEK)
    assert project.account("weekly/2") == {"planned": 2}
    with served(project, "--now", (MONDAY + WEEK).isoformat()) as pages:
        assert pages.ask("POST", address, ONE_CLICK).status == 200
    project.run(MONDAY + WEEK)
    assert project.account("weekly/2") == {"accepted": 1, "cancelled": 1}
    assert project.read("ann@x.example") == [["a"]]
    assert project.read("bob@x.example") == [["a"], ["b"]]


def test_case_25_a_scanner_that_opens_every_link_ten_times_changes_nothing(project: Project) -> None:
    project.join("ann@x.example")
    project.join("bob@x.example", "python")
    project.offer(article("a"))
    project.run(MONDAY)
    before = everything(project)
    found = set().union(*(links(mail) for name in ("ann", "bob") for mail in project.mails(f"{name}@x.example")))
    assert any("/unsubscribe/" in link for link in found)
    assert any("/preferences/" in link for link in found)
    with served(project) as pages:
        for _ in range(10):
            for link in found:
                for method in ("GET", "HEAD"):
                    assert pages.ask(method, link, headers={"User-Agent": "scanner"}).status == 200
    assert everything(project) == before


def test_told_to_end_it_ends_within_ten_seconds_even_with_a_connection_that_says_nothing(project: Project) -> None:
    with served(project) as pages, socket.create_connection(("127.0.0.1", pages.port)) as silent:
        silent.sendall(b"POST /unsubscribe/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nList")
        began = time.monotonic()
        pages.process.send_signal(signal.SIGTERM)
        assert pages.process.wait(timeout=30) == 0
        assert time.monotonic() - began < 10


def test_a_port_that_is_taken_is_one_line(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = project.command("serve", "--port", str(taken.getsockname()[1]))
    assert said.returncode == 2
    assert "cannot be listened on: Address already in use; name another" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_it_runs_by_itself_when_a_slot_comes(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    with served(project, "--now", (MONDAY - timedelta(seconds=3)).isoformat(), scheduler=True):
        eventually(lambda: project.read("ann@x.example") == [["a"]], 60)
    assert project.account("weekly/1") == {"accepted": 1}
