from __future__ import annotations

import json
import re
from pathlib import Path

from tests.journeys.project import Project


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_every_template_is_shown_in_six_widths_in_light_and_dark_with_nothing_missing(project: Project, tmp_path: Path) -> None:
    said = project.command("templates", "preview", "--all", "--out", str(tmp_path), "--json")
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["index"] == str(tmp_path / "index.html")
    there = files(tmp_path)
    index = (tmp_path / "index.html").read_text("utf-8")
    pages = re.findall(r'href="([^"]+)"', index)
    assert len(pages) == told["mails"]
    for name in ("weekly-en", "brief-fifty", "magazine-he", "magazine-pictures-off", "confirm-ja", "issue-ready-ar"):
        assert f"{name}.html" in pages
    for page in pages:
        text = (tmp_path / page).read_text("utf-8")
        named = set(re.findall(r'(?:href|src)="([^"]+)"', text))
        assert named <= there
        assert re.findall(r'<iframe [^>]*width="(\d+)"', text) == ["320", "375", "414", "600", "800", "1024"] * 2
    dark = (tmp_path / "mails/weekly-en-dark.html").read_text("utf-8")
    assert "@media all" in dark
    assert "https://pictures.backend.example" not in dark
    assert "https://pictures.backend.example" in (tmp_path / "mails/weekly-en.html").read_text("utf-8")


def test_it_shows_the_project_s_own_site_and_theme(project: Project, tmp_path: Path) -> None:
    project.configure("[delivery]", "[theme]\nradius = 23\n[theme.light]\naccent = '#7a1fa2'\n\n[delivery]")
    assert project.command("templates", "preview", "weekly", "--out", str(tmp_path)).returncode == 0
    html = (tmp_path / "mails/weekly-en.html").read_text("utf-8")
    assert "#7a1fa2" in html
    assert "border-radius:23px" in html


def test_one_broken_template_keeps_no_other_from_being_shown(project: Project, tmp_path: Path) -> None:
    (project.folder / "templates/partials/headline.mjml").write_text("<mj-raw>{{ nobody }}</mj-raw>\n", "utf-8")
    said = project.command("templates", "preview", "--all", "--out", str(tmp_path))
    assert said.returncode == 3
    assert "partials/headline.mjml, line 1: `nobody` is not known" in said.stderr
    assert "weekly-en.html" in files(tmp_path)
    assert "brief-en.html" not in files(tmp_path)
    assert "partials/headline.mjml, line 1" in (tmp_path / "index.html").read_text("utf-8")


def test_what_is_not_said_or_not_known_is_asked_for(project: Project, tmp_path: Path) -> None:
    for arguments, said in (
        ((), "which template? Give its NAME, or --all"),
        (("weekly", "--all"), "and not both"),
        (("wekly",), "there is no template 'wekly'; there are brief, confirm"),
    ):
        got = project.command("templates", "preview", *arguments)
        assert got.returncode == 2
        assert said in got.stderr


def test_a_folder_that_cannot_be_written_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    got = project.command("templates", "preview", "confirm", "--out", str(tmp_path / "file"))
    assert got.returncode == 2
    assert "--out: " in got.stderr
