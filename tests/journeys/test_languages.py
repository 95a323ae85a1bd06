"""Languages: one issue, one approval, one send, and everybody reads it in their own."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select, update

from digest.store import tables
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, a_project, article, keys_in

NOW = MONDAY.isoformat()
READERS = {
    "de@x.example": ("de", "Abbestellen", "23. November 2026", "Guten Tag,"),
    "ar@x.example": ("ar", "إلغاء الاشتراك", "23 نوفمبر 2026", "مرحبًا،"),
    "ja@x.example": ("ja", "配信を停止する", "2026年11月23日", "こんにちは。"),
    "br@x.example": ("pt-BR", "Cancelar a inscrição", "23 de novembro de 2026", "Olá!"),
    "xx@x.example": ("xx", "Unsubscribe", "November 23, 2026", "Hello,"),
    "none@x.example": ("", "Unsubscribe", "November 23, 2026", "Hello,"),
}


def people(project: Project) -> None:
    rows = "".join(f"{email},{language},yes\n" for email, (language, *_) in READERS.items())
    (project.folder / "people.csv").write_text("email,language,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0
    project.offer(article("a", reading_minutes=2), article("b"))


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content


def languages_of(project: Project, name: str) -> list[str]:
    with project.app() as app, app.store.reading() as connection:
        from digest.issues.issue import find_issue, frozen_of

        return list(frozen_of(connection, find_issue(connection, name)).languages)


def test_everybody_gets_one_issue_in_their_own_language_from_one_send(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        assert project.code() == 0
        assert languages_of(project, "weekly/1") == ["en", "ar", "de", "ja", "pt"]
        for email, (_, read, date, greeting) in READERS.items():
            (mail,) = project.mails(email)
            html, text = body(mail, "html"), body(mail, "plain")
            assert read in html
            assert greeting in html
            assert greeting in text
            assert date in html
            assert date in text
            assert date in str(mail["Subject"])
            assert sorted(keys_in(mail)) == ["a", "b"]
        (arabic,) = project.mails("ar@x.example")
        assert '<html lang="ar" dir="rtl"' in body(arabic, "html")
        assert "مدة القراءة: دقيقتان" in body(arabic, "plain")
        assert project.account("weekly/1") == {"accepted": len(READERS)}


def test_a_dry_run_makes_the_mails_that_are_sent_in_every_language(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        said = project.command("run", "--dry-run", "--now", NOW)
        assert said.returncode == 0
        assert project.code() == 0
        folder = project.folder / "outbox" / "weekly-1"
        texts = [path.read_text("utf-8").splitlines() for path in (folder / "renditions").glob("*.txt")]
        rehearsed = [[line for line in lines if "http" not in line and "@" not in line] for lines in texts]
        assert len(rehearsed) == 5
        assert "Rendition 0001 <span" in (folder / "index.html").read_text("utf-8")
        for email, (language, *_) in READERS.items():
            (mail,) = project.mails(email)
            got = [line for line in body(mail, "plain").splitlines() if "http" not in line and "@" not in line]
            assert got in rehearsed
            row = next(line for line in (folder / "recipients.csv").read_text().splitlines() if line.startswith(email))
            assert row.endswith("," + {"pt-BR": "pt", "xx": "en", "": "en"}.get(language, language))


def test_an_approval_covers_the_blocks_of_every_language(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        project.configure('approval = "automatic"', 'approval = "required"')
        assert project.command("issues", "draft", "weekly", "--now", NOW).returncode == 0
        assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0
        with project.app() as app, app.store.writing() as connection:
            row = tables.issue_blocks.c
            where = row.language == "ja"
            blocks = connection.execute(select(row.blocks).where(where)).scalar_one()
            changed = blocks.replace("配信を停止する".encode(), "購読を解除する".encode())
            assert changed != blocks
            connection.execute(update(tables.issue_blocks).where(where).values(blocks=changed))
        said = project.command("send", "weekly/1", "--now", NOW)
        assert (said.returncode, project.sink.arrived) == (3, [])
        assert "approv" in said.stderr


def test_who_comes_with_a_new_language_after_the_freeze_reads_the_newsletters_own_until_the_next_issue(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        project.configure('approval = "automatic"', 'approval = "required"')
        assert project.command("issues", "draft", "weekly", "--now", NOW).returncode == 0
        late = ("subscribers", "add", "fr@x.example", "--newsletter", "weekly", "--language", "fr-CA", "--confirmed")
        assert project.command(*late, "--now", BEGAN.isoformat()).returncode == 0
        assert project.command("issues", "approve", "weekly/1", "--now", NOW).returncode == 0
        assert project.code() == 0
        project.configure('approval = "required"', 'approval = "automatic"')
        project.offer(article("c", at=MONDAY))
        assert project.code(MONDAY + WEEK) == 0
        first, second = project.mails("fr@x.example")
        assert "Unsubscribe" in body(first, "plain")
        assert "Se désabonner" in body(second, "plain")


def test_a_preview_shows_any_language_that_the_issue_was_rendered_in(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        assert project.command("issues", "draft", "weekly", "--now", NOW).returncode == 0
        for chosen, found in (
            ((), "Unsubscribe"),
            (("--language", "de-AT"), "Abbestellen"),
            (("--language", "en"), "Unsubscribe"),
        ):
            assert found in project.command("preview", "weekly/1", "--text", *chosen).stdout
        theirs = ("preview", "weekly/1", "--text", "--subscriber", "ja@x.example")
        assert "配信を停止する" in project.command(*theirs).stdout
        assert "إلغاء الاشتراك" in project.command(*theirs, "--language", "ar").stdout
        refused = project.command("preview", "weekly/1", "--language", "fr")
        assert refused.returncode == 3
        assert "was rendered in en, ar, de, ja, pt, those that somebody gets it in, and not in fr" in refused.stderr


def test_subject_and_headings_may_be_configured_by_language_and_a_newsletter_may_have_its_own(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        project.configure('title = "Python", tags', 'title = "Python", titles = { de = "Schlangen" }, tags')
        project.configure(
            'approval = "automatic"',
            'language = "ja"\nsubjects = { pt = "{{ _(\'No. %(number)s\', number=issue.number) }} de {{ newsletter.title }}" }\n'
            'approval = "automatic"',
        )
        assert project.code() == 0
        assert languages_of(project, "weekly/1") == ["ja", "ar", "de", "pt"]
        (german,), (brazilian,), (nobody,) = (project.mails(f"{name}@x.example") for name in ("de", "br", "none"))
        assert "\nSchlangen\n" in body(german, "plain").replace("\r", "")
        assert "\nPython\n" in body(brazilian, "plain").replace("\r", "")
        assert brazilian["Subject"] == "N.º\u00a01 de Backend Weekly"
        assert "配信を停止する" in body(nobody, "plain")


def test_a_broken_subject_or_catalogue_of_one_language_holds_the_issue_and_says_which(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        project.configure('approval = "automatic"', 'subjects = { de = "{{ nichts }}" }\napproval = "automatic"')
        project.run()
        assert (project.issue("weekly/1").reason or "").startswith("newsletters.weekly.subjects.de: 'nichts' is undefined")
    own = tmp_path / "other"
    with a_project(own) as project:
        people(project)
        (own / "templates" / "languages").mkdir(exist_ok=True)
        (own / "templates" / "languages" / "de.po").write_text('msgid "Unsubscribe"\nmsgstr "%s"\n', "utf-8")
        project.run()
        assert (project.issue("weekly/1").reason or "").startswith("templates/languages/de.po, line 1: 'Unsubscribe': write")


def test_doctor_reads_a_projects_catalogues(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        (tmp_path / "templates" / "languages").mkdir(exist_ok=True)
        (tmp_path / "templates" / "languages" / "nl.po").write_text('msgid "Unsubscribe"\nmsgstr "Weg', "utf-8")
        assert "BAD template weekly: templates/languages/nl.po, line 2: write msgid" in project.command("doctor").stdout


@pytest.mark.rather_sqlite
def test_the_checks_look_at_every_language_and_say_which(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        long = "Eine sehr lange Betreffzeile, die kein Posteingang der Welt je ganz gezeigt hat, auch dieser nicht"
        project.configure('approval = "automatic"', f'subjects = {{ de = "{long}" }}\napproval = "automatic"')
        assert project.command("issues", "draft", "weekly", "--now", NOW).returncode == 0
        said = project.command("issues", "check", "weekly/1").stdout
        assert said.count("it has 98 characters") == 1
        assert "subject (de)" in said


def test_a_project_brings_a_language_and_other_words(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project)
        (tmp_path / "templates" / "languages").mkdir(exist_ok=True)
        for tag, word in (("xx", "Xubscribe"), ("en", "Leave us")):
            catalogue = f'msgid "Unsubscribe"\nmsgstr "{word}"\n'
            (tmp_path / "templates" / "languages" / f"{tag}.po").write_text(catalogue, "utf-8")
        assert project.code() == 0
        for name, word in (("xx", "Xubscribe"), ("none", "Leave us"), ("de", "Abbestellen")):
            assert word in body(project.mails(f"{name}@x.example")[0], "plain")
