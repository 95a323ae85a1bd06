"""Checks stand between an issue and its readers: what is wrong is told, blocks, is mended, and then it goes (cases 20 and 29)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from digest.app import checking, filtering, issuing, running
from digest.errors import Refused
from digest.rendering.degrading import CLIPPED_AT
from tests.catalogue.site import Site, serving
from tests.journeys.project import MONDAY, WEEK, Project, article

pytestmark = pytest.mark.rather_sqlite

NOW = MONDAY.isoformat()
EARLY = (MONDAY - timedelta(hours=1)).isoformat()
HOUR = timedelta(hours=1)
ANN = "ann@x.example"


@pytest.fixture(autouse=True)
def without_a_spam_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """These journeys are the same on every machine."""
    monkeypatch.setattr(filtering, "PROGRAM", "no-such-spam-filter")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def checked(project: Project, name: str = "weekly/1", *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of `issues check`, and its findings by check; the note on the filter left out."""
    got = project.command("issues", "check", name, "--json", *arguments)
    found = {one["check"]: one for one in json.loads(got.stdout) if one["severity"] != "note"}
    return got.returncode, found


def drafted(project: Project, *articles: dict[str, Any]) -> None:
    project.join(ANN)
    project.offer(*(articles or (article("a", title="A title that says enough"),)))
    assert project.command("issues", "draft", "weekly", "--now", EARLY).returncode == 0


def spoil(project: Project, file: str, before: str, after: str) -> str:
    """Edit a template; returns what it was."""
    template = project.folder / "templates" / file
    good = template.read_text(encoding="utf-8")
    assert before in good
    template.write_text(good.replace(before, after), encoding="utf-8")
    return good


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def test_an_error_refuses_the_approval_and_once_mended_it_is_given(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    good = spoil(project, "partials/footer.txt", "{{ unsubscribe_url }}\n\n{{ site", "\n{{ site")
    drafted(project)
    code, found = checked(project)
    assert (code, found["unsubscribe_link_missing"]["severity"]) == (3, "error")
    assert set(found["unsubscribe_link_missing"]) == {"check", "severity", "where", "what", "mend"}
    refused = project.command("issues", "approve", "weekly/1", "--now", EARLY)
    assert refused.returncode == 3
    assert "a check failed: text part: it has no unsubscribe link; put {{ unsubscribe_url }} into the template" in refused.stderr
    assert project.command("run", "--now", NOW).returncode == 0
    assert "it waits for an approval; issue weekly/1 is not ready, a check failed" in (project.issue("weekly/1").reason or "")
    (project.folder / "templates" / "partials" / "footer.txt").write_text(good, encoding="utf-8")
    assert checked(project)[0] == 3  # what is frozen is as it was
    again = project.command("issues", "redraft", "weekly/1", "--now", NOW)
    assert (again.returncode, "revision 2" in again.stdout) == (0, True)
    assert checked(project) == (0, {})
    assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0
    assert project.code() == 0
    assert project.read(ANN) == [["a"]]


def test_an_automatic_approval_is_refused_too_and_the_issue_is_held_with_the_reason(project: Project) -> None:
    good = spoil(project, "partials/footer.mjml", "{{ site.postal_address }}", "")
    project.join(ANN)
    project.offer(article("a"))
    ran = project.command("run", "--now", NOW)
    assert (ran.returncode, project.mails(ANN)) == (3, [])
    assert "html part: it has no postal address" in ran.stdout
    issue = project.issue("weekly/1")
    assert issue.state == "held"
    assert "html part: it has no postal address" in (issue.reason or "")
    assert project.account("weekly/1") == {}
    assert project.command("send", "weekly/1", "--now", NOW).returncode == 3
    assert project.code(MONDAY + HOUR) == 3  # said again by every run
    assert project.issue("weekly/1").revision == 1  # and frozen again only when that makes another issue
    (project.folder / "templates" / "partials" / "footer.mjml").write_text(good, encoding="utf-8")
    assert project.code(MONDAY + 2 * HOUR) == 0
    assert project.read(ANN) == [["a"]]


def test_the_same_again_is_no_revision_and_an_approval_stands(project: Project) -> None:
    drafted(project)
    assert project.command("issues", "approve", "weekly/1", "--now", EARLY).returncode == 0
    again = project.command("issues", "redraft", "weekly/1", "--no-fetch", "--now", NOW, "--json")
    assert (json.loads(again.stdout)["state"], json.loads(again.stdout)["revision"]) == ("approved", 1)
    project.offer(article("a", title="A title that says enough"), article("b", at=MONDAY - HOUR))
    again = project.command("issues", "redraft", "weekly/1", "--now", NOW, "--json")
    assert (json.loads(again.stdout)["state"], json.loads(again.stdout)["revision"]) == ("draft", 2)
    assert project.code() == 0
    refused = project.command("issues", "redraft", "weekly/1", "--now", NOW)
    assert refused.returncode == 3
    assert "cannot be drafted again: it has been sent" in refused.stderr


def test_fewer_articles_by_the_configuration_are_another_issue(project: Project) -> None:
    drafted(project, article("a", title="A title that says enough"), article("b", title="Another title that is long"))
    project.configure("max_articles = 20", "max_articles = 1")
    again = project.command("issues", "redraft", "weekly/1", "--no-fetch", "--now", EARLY, "--json")
    assert (again.returncode, json.loads(again.stdout)["revision"]) == (0, 2)
    assert project.code() == 0
    assert [len(mail) for mail in project.read(ANN)] == [1]


def test_what_is_approved_and_found_wrong_before_it_is_sent_is_held(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    drafted(project, article("a", image="https://pictures.example/a.png", title="A title that says enough"))
    assert project.command("issues", "approve", "weekly/1", "--now", EARLY).returncode == 0
    strict = {"DIGEST_CHECKS__PICTURE_TEXT_MISSING": "error"}
    sent = project.command("send", "weekly/1", "--now", NOW, **strict)
    assert sent.returncode == 3
    assert "issue weekly/1 is not sent, a check failed: article 1" in sent.stderr
    assert project.issue("weekly/1").state == "approved"
    assert project.code(MONDAY, **strict) == 3
    assert (project.issue("weekly/1").state, project.account("weekly/1")) == ("held", {})
    assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0
    assert project.code() == 0
    assert project.read(ANN) == [["a"]]


def test_no_clock_makes_a_check_before_sending_pass_over_what_was_approved(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    drafted(project, article("a", image="https://pictures.example/a.png", title="A title that says enough"))
    assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0
    sent = project.command("send", "weekly/1", "--now", NOW, DIGEST_CHECKS__PICTURE_TEXT_MISSING="error")
    assert (sent.returncode, project.mails(ANN)) == (3, [])
    assert "a check failed" in sent.stderr


def test_what_is_planned_goes_on_although_a_check_would_fail_by_now(project: Project) -> None:
    """Whoever has not got it yet gets what the others have: nobody is lost to a check that came later."""
    strict = {"DIGEST_CHECKS__PICTURE_TEXT_MISSING": "error"}
    drafted(project, article("a", image="https://pictures.example/a.png", title="A title that says enough"))
    project.plan()
    assert (project.issue("weekly/1").state, project.mails(ANN)) == ("sending", [])
    assert checked(project)[0] == 0
    assert project.command("issues", "check", "weekly/1", **strict).returncode == 3
    assert project.command("issues", "pause", "weekly/1", **strict).returncode == 0
    assert project.command("issues", "resume", "weekly/1", **strict).returncode == 0
    assert project.code(MONDAY + HOUR, **strict) == 0
    assert project.read(ANN) == [["a"]]
    assert (project.issue("weekly/1").state, project.account("weekly/1")) == ("sent", {"accepted": 1})


def test_what_was_changed_while_the_checks_looked_at_it_is_not_approved(project: Project) -> None:
    drafted(project, article("a", title="A title that says enough"), article("b", title="Another title that is long"))
    looked_at = project.issue("weekly/1")
    assert project.command("issues", "edit", "weekly/1", "--exclude", "b", "--now", EARLY).returncode == 0
    with project.app() as app, pytest.raises(Refused, match="cannot become approved: meanwhile it was changed; look at it again"):
        issuing.approve(app, looked_at, "ann")
    assert project.issue("weekly/1").state == "draft"
    assert project.code() == 0
    assert project.read(ANN) == [["a"]]


def test_what_a_person_decides_while_a_run_looks_at_it_stands(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    drafted(project)
    looked_at = project.issue("weekly/1")
    assert project.command("issues", "approve", "weekly/1", "--now", EARLY).returncode == 0
    with project.app() as app:
        found = running.hold(app, looked_at, "it waits for an approval")
    assert (found.state, project.issue("weekly/1").state) == ("approved", "approved")


def test_an_article_that_neither_part_leads_to_is_told_unless_it_was_withdrawn(project: Project) -> None:
    for file in ("lead.mjml", "picture-card.mjml", "card.mjml", "byline.txt"):
        spoil(project, f"partials/{file}", "{{ article.url }}", "https://backend.example/")
    drafted(project, article("a", title="A title that says enough"), article("b", title="Another title that is long"))

    def lacking() -> list[str]:
        got = project.command("issues", "check", "weekly/1", "--json")
        assert got.returncode == 3
        return sorted(one["what"].partition("“")[2] for one in json.loads(got.stdout) if one["where"] == "both parts")

    assert lacking() == ["A title that says enough”, which was chosen", "Another title that is long”, which was chosen"]
    assert project.command("articles", "withdraw", "b", "--now", EARLY).returncode == 0
    assert lacking() == ["A title that says enough”, which was chosen"]


def test_what_mjml_does_not_know_is_told_with_its_line(project: Project) -> None:
    good = spoil(project, "partials/masthead.mjml", '<mj-divider css-class="rule"', '<mj-divider colour="red" css-class="rule"')
    line = next(number for number, text in enumerate(good.splitlines(), 1) if '<mj-divider css-class="rule"' in text)
    drafted(project)
    code, found = checked(project)
    assert (code, set(found)) == (3, {"template_mistaken"})
    assert found["template_mistaken"]["where"].endswith(f"partials/masthead.mjml, line {line}")
    assert "`colour`" in found["template_mistaken"]["what"]
    (project.folder / "templates" / "partials" / "masthead.mjml").write_text(good, encoding="utf-8")
    assert checked(project) == (0, {})  # of a template that was changed since, no line can be told


def test_a_check_can_be_ignored_and_a_warning_made_an_error(project: Project) -> None:
    drafted(project, article("a", title="Lorem ipsum, the early years"))
    assert checked(project)[1]["article_placeholders"]["severity"] == "warning"
    project.configure("[delivery]", '[checks]\narticle_placeholders = "error"\n\n[delivery]')
    assert checked(project)[0] == 3
    project.configure('article_placeholders = "error"', 'article_placeholders = "ignore"')
    assert checked(project) == (0, {})


def test_a_check_that_does_not_exist_is_refused_with_the_one_that_was_meant(project: Project) -> None:
    project.configure("[delivery]", '[checks]\nsubject_misses = "error"\n\n[delivery]')
    got = project.command("config", "check")
    assert got.returncode == 2
    assert "checks.subject_misses" in got.stderr
    assert "subject_missing" in got.stderr


def test_case_20_an_issue_that_is_too_large_degrades_and_still_goes_out(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 60")
    project.configure("max_per_topic = 10", "max_per_topic = 60")
    project.configure("seed = 20", "seed = 60")
    articles = [article(f"a{n}", title=f"Article number {n} has a title", summary="Many words. " * 40) for n in range(50)]
    drafted(project, *articles)
    project.join("bob@x.example", "databases")
    code, found = checked(project)
    assert code == 0
    assert "only titles were left, and" in found["degraded"]["what"]
    assert "on the web alone" in found["degraded"]["what"]
    assert "clipped" not in found
    rehearsed = project.command("run", "--dry-run", "--now", NOW)
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert "1 rendition was too large for mail programs" in rehearsed.stdout
    (told,) = json.loads((project.folder / "outbox" / "weekly-1" / "summary.json").read_text())["degraded"]
    assert (told["rendition"], told["form"]) == (1, "web")
    assert told["size"] < CLIPPED_AT <= told["whole"]
    ran = project.command("run", "--now", NOW, "--json")
    assert json.loads(ran.stdout)["issues"][0]["degraded"] == {"web": 1}
    assert project.account("weekly/1") == {"accepted": 1, "skipped": 1}
    (mail,) = project.mails(ANN)
    html = html_of(mail)
    assert len(html.encode()) < CLIPPED_AT
    assert html.count("<h3") + html.count("<h2") > 30
    assert "Many words." not in html
    assert 'href="https://news.backend.example/archive/weekly/1"' in html
    assert len(project.read(ANN)[0]) == 50 - len(told["on_the_web"])
    shown = project.command("preview", "weekly/1", "--subscriber", ANN, "--out", "shown.html")
    assert shown.returncode == 0
    assert (project.folder / "shown.html").read_bytes().decode().splitlines() == html.splitlines()
    # What stands on the web alone has been told: it does not come again.
    project.offer(*articles, article("new", title="One more title that is long enough", at=MONDAY))
    assert project.code(MONDAY + WEEK) == 0
    assert project.read(ANN)[1] == ["new"]
    assert checked(project, "weekly/2") == (0, {})


def test_case_29_a_template_broken_after_the_approval_changes_nothing_of_what_was_approved(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    drafted(project)
    assert project.command("issues", "approve", "weekly/1", "--now", EARLY).returncode == 0
    approved = project.command("preview", "weekly/1", "--subscriber", ANN).stdout
    good = spoil(project, "partials/masthead.mjml", "{{ newsletter.title }}</h1>", "{{ newsletter.titel }}</h1>")
    line = next(number for number, text in enumerate(good.splitlines(), 1) if "{{ newsletter.title }}</h1>" in text)
    assert project.code() == 0
    assert html_of(project.mails(ANN)[0]).splitlines() == approved.splitlines()
    # The next issue meets the broken template: nobody is claimed, and the editor is told the line, everywhere.
    project.offer(article("b", title="Another title that says enough", at=MONDAY + HOUR))
    late = (MONDAY + WEEK).isoformat()
    held = project.command("run", "--now", late)
    wanted = f"masthead.mjml, line {line}: `newsletter` has no `titel`"
    assert held.returncode == 3
    assert wanted in held.stdout
    assert (project.issue("weekly/2").state, project.account("weekly/2")) == ("held", {})
    for command in (("send", "weekly/2"), ("issues", "approve", "weekly/2")):
        refused = project.command(*command, "--now", late)
        assert refused.returncode == 3, command
        (said,) = refused.stderr.splitlines()
        assert wanted in said or "digest issues show" in said
    code, found = checked(project, "weekly/2")
    assert code == 3
    assert wanted in found["template"]["what"]
    assert wanted in project.command("issues", "show", "weekly/2").stdout
    (project.folder / "templates" / "partials" / "masthead.mjml").write_text(good, encoding="utf-8")
    assert project.command("run", "--now", late).returncode == 0
    assert project.command("issues", "approve", "weekly/2", "--now", late).returncode == 0
    assert project.code(MONDAY + WEEK + HOUR) == 0
    assert project.read(ANN) == [["a"], ["b"]]


def test_the_last_issue_is_what_the_next_one_is_compared_with(project: Project) -> None:
    project.configure('template = "weekly"', 'template = "weekly"\nsubject = "{{ newsletter.title }}"')
    drafted(project)
    assert "subject_repeated" not in checked(project)[1]
    assert project.code() == 0
    project.offer(article("b", title="A title  that says ENOUGH", at=MONDAY + HOUR))
    late = (MONDAY + timedelta(days=5)).isoformat()
    assert project.command("issues", "draft", "weekly", "--now", late).returncode == 0
    found = checked(project, "weekly/2")[1]
    assert found["subject_repeated"]["what"] == "it is that of weekly/1"
    assert found["articles_repeated"]["what"] == "one with its title stood in weekly/1"


def test_links_are_asked_only_when_that_is_wished_for_and_not_again_at_once(project: Project, site: Site) -> None:
    project.configure('path = "articles.json"', 'path = "articles.json"\nallow_private = true')
    site.says("/good", b"x")
    site.says("/gone", b"", 404)
    site.says("/p.png", b"x" * 1_000_001)
    drafted(
        project,
        article("a", title="A title that says enough", url=f"{site.url}/good", image=f"{site.url}/p.png", image_alt="A picture"),
        article("b", title="Another title that is long", url=f"{site.url}/gone"),
    )
    code, found = checked(project)
    assert (code, set(found)) == (0, {"links_private"})
    assert site.requests == []
    code, found = checked(project, "weekly/1", "--online", "--now", NOW)
    assert (code, found["links_unreachable"]["severity"]) == (0, "warning")
    assert f"{site.url}/gone: the server answered 404" in found["links_unreachable"]["what"]
    assert "has 1,000,001 bytes" in found["pictures_heavy"]["what"]
    asked = len(site.requests)
    assert checked(project, "weekly/1", "--online", "--now", NOW)[1] == found
    assert len(site.requests) == asked
    strict = {"DIGEST_CHECKS__LINKS_UNREACHABLE": "error"}
    refused = project.command("issues", "approve", "weekly/1", "--now", NOW, **strict)
    assert refused.returncode == 3
    assert "a link cannot be reached" in refused.stderr


def test_without_private_sources_no_private_address_is_asked(project: Project, site: Site) -> None:
    site.says("/good", b"x")
    drafted(project, article("a", title="A title that says enough", url=f"{site.url}/good"))
    found = checked(project, "weekly/1", "--online")[1]
    assert "is private or loopback" in found["links_unreachable"]["what"]
    assert [path for path, _ in site.requests if path == "/good"] == []


def test_a_spam_filter_that_is_not_there_is_said_and_is_no_complaint(project: Project) -> None:
    drafted(project)
    got = project.command("issues", "check", "weekly/1")
    assert got.returncode == 0
    note, verdict = got.stdout.splitlines()
    assert note.startswith("note: message: SpamAssassin is not installed")
    assert verdict == "nothing to complain of"


def test_a_spam_filters_verdict_is_told_and_can_block(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "filter"
    program.write_text(
        "#!/bin/sh\ncat > /dev/null\n"
        "echo 'Content analysis details:   (6.1 points, 5.0 required)'\n"
        "echo ' 6.1 BAD_RULE               BODY: it is bad'\n"
        "echo '-0.0 NO_RELAYS              Informational'\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(filtering, "PROGRAM", str(program))
    drafted(project)
    code, found = checked(project)
    assert (code, found["spam"]["what"]) == (0, "SpamAssassin gives it 6.1 points of 5: BAD_RULE 6.1")
    refused = project.command("issues", "approve", "weekly/1", "--now", NOW, DIGEST_CHECKS__SPAM="error")
    assert refused.returncode == 3
    assert "BAD_RULE" in refused.stderr


def test_the_sample_passes_every_error_check_offline(project: Project) -> None:
    sample = json.loads((Path(__file__).parents[2] / "articles.json").read_text(encoding="utf-8"))
    drafted(project, *(sample["articles"] if isinstance(sample, dict) else sample))
    assert checked(project) == (0, {})


def test_links_to_articles_are_marked_and_digests_own_are_not(project: Project) -> None:
    project.configure("[delivery]", '[links]\nutm = { source = "newsletter" }\n\n[delivery]')
    drafted(project)
    assert project.code() == 0
    html = html_of(project.mails(ANN)[0])
    marked = "https://backend.example/a?utm_source=newsletter&amp;utm_medium=email&amp;utm_campaign=weekly-1"
    assert f'href="{marked}"' in html
    own = re.findall(r'href="(https://news\.backend\.example/[^"]*)"', html)
    assert {link.split("/")[3] for link in own} == {"archive", "preferences", "unsubscribe"}
    assert not [link for link in own if "utm" in link]
    # The same article next week, as its source names it: it is known.
    assert project.code(MONDAY + WEEK) == 0
    assert len(project.mails(ANN)) == 1


def test_an_issue_is_looked_at_in_each_of_its_languages(project: Project) -> None:
    (project.folder / "people.csv").write_text("email,language,confirmed\nuwe@x.example,de,yes\n", encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0
    words = project.folder / "templates" / "languages"
    words.mkdir(exist_ok=True)
    (words / "de.po").write_text('msgid "View in browser"\nmsgstr "TODO"\n', encoding="utf-8")
    drafted(project, article("a", title="Lorem ipsum, the early years"))
    got = project.command("issues", "check", "weekly/1", "--json")
    found = [(one["check"], one["where"]) for one in json.loads(got.stdout) if one["severity"] != "note"]
    assert got.returncode == 3
    assert found[:2] == [("placeholders", "html part (de)"), ("placeholders", "text part (de)")]
    assert [check for check, _ in found[2:]] == ["article_placeholders"]  # what is wrong in all of them is told once


def test_checking_changes_nothing(project: Project) -> None:
    drafted(project)
    before = project.issue("weekly/1")
    with project.app() as app:
        checking.findings(app, before)
    assert project.issue("weekly/1") == before
