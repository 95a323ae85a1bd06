"""An editor writes a note and names a sponsor above an issue's articles: both are of what is approved, and both go out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.journeys.test_editing import history, ok

NOW = MONDAY.isoformat()
NOTE = "This week is about **waiting**, see [why](https://backend.example/why).\n"
SPONSOR = 'title = "Harbour"\nurl = "https://harbour.example/?a=1"\ntext = "Deploy on Fridays."\n'


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def drafted(project: Project, *more: str) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b"))
    ok(project.command("issues", "draft", "weekly", *more, "--now", NOW))


def shown(project: Project, *more: str) -> str:
    return ok(project.command("preview", "weekly/1", *more)).stdout


def test_a_note_and_a_sponsor_stand_in_both_parts_of_what_goes_out(project: Project, tmp_path: Path) -> None:
    note, sponsor = written(tmp_path, "note.md", NOTE), written(tmp_path, "sponsor.toml", SPONSOR)
    drafted(project, "--note", note, "--sponsor", sponsor)
    assert history(project, "weekly/1") == ["wrote a note above the articles", "named the sponsor “Harbour”"]
    ok(project.command("issues", "approve", "weekly/1", "--now", NOW))
    project.run(MONDAY)
    (mail,) = project.mails("ann@x.example")
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "This week is about <strong>waiting</strong>" in html
    assert 'href="https://harbour.example/?a=1"' in html
    assert "From the editor:\r\n\r\nThis week is about waiting" in text.replace("\n", "\r\n").replace("\r\r", "\r")
    assert "Sponsored: Harbour" in text


def test_a_note_makes_a_new_revision_voids_the_approval_and_stays_through_other_edits(project: Project, tmp_path: Path) -> None:
    drafted(project)
    ok(project.command("issues", "approve", "weekly/1", "--now", NOW))
    before = project.issue("weekly/1")
    ok(project.command("issues", "edit", "weekly/1", "--note", written(tmp_path, "note.md", NOTE), "--now", NOW))
    noted = project.issue("weekly/1")
    assert (noted.revision, noted.state, noted.approved_hash) == (2, "draft", None)
    assert noted.content_hash != before.content_hash
    ok(project.command("issues", "edit", "weekly/1", "--exclude", "b", "--now", NOW))
    assert "waiting" in shown(project, "--text")
    ok(project.command("issues", "edit", "weekly/1", "--no-note", "--put-back", "b", "--now", NOW))
    assert "waiting" not in shown(project, "--text")
    assert project.issue("weekly/1").content_hash == before.content_hash
    assert "took the note out" in history(project, "weekly/1")


def test_the_next_issue_begins_without_them(project: Project, tmp_path: Path) -> None:
    drafted(project, "--sponsor", written(tmp_path, "sponsor.toml", SPONSOR))
    ok(project.command("issues", "approve", "weekly/1", "--now", NOW))
    project.run(MONDAY)
    project.offer(article("c", at=MONDAY))
    ok(project.command("issues", "draft", "weekly", "--now", (MONDAY + WEEK).isoformat()))
    assert "Sponsored" not in ok(project.command("preview", "weekly/2", "--text")).stdout


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--note", "  \n", "is empty; `--no-note` takes a note out"),
        ("--note", "x" * 5001, "has 5,001 characters, and a note has room for 5,000"),
        ("--sponsor", "title = ", "is not TOML"),
        ("--sponsor", "title = 'x'", "url: field required; it may have title, url, text, image, image_alt"),
        ("--sponsor", "title = 'x'\nurl = 'javascript:x'", "url: "),
        ("--sponsor", "title = 'x'\nurl = 'https://a.example'\nlink = 1", "link: "),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_its_name_and_nothing_changes(
    project: Project, tmp_path: Path, option: str, text: str, said: str
) -> None:
    drafted(project)
    got = project.command("issues", "edit", "weekly/1", option, written(tmp_path, "file", text), "--now", NOW)
    assert got.returncode == 2
    assert f"{option}: {tmp_path / 'file'}" in got.stderr
    assert said in got.stderr
    assert project.issue("weekly/1").revision == 1


def test_a_file_that_is_not_there_or_no_text_is_refused(project: Project, tmp_path: Path) -> None:
    drafted(project)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, said in (("nowhere.md", "cannot be read"), ("binary", "is not UTF-8")):
        got = project.command("issues", "edit", "weekly/1", "--note", str(tmp_path / name), "--now", NOW)
        assert (got.returncode, said in got.stderr) == (2, True)


def test_to_write_and_to_take_out_at_once_is_refused(project: Project, tmp_path: Path) -> None:
    drafted(project)
    note = written(tmp_path, "note.md", NOTE)
    got = project.command("issues", "edit", "weekly/1", "--note", note, "--no-note", "--now", NOW)
    assert (got.returncode, "--note and --no-note are opposites" in got.stderr) == (2, True)
