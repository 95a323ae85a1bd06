from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from digest.shipped import shipped
from tests.journeys.project import Project

WRONG = '<mj-text colour="red">x</mj-text>'
BODY = (
    "<mjml><mj-head><mj-title>x</mj-title></mj-head><mj-body>\n<mj-raw>{{ greeting }}</mj-raw>\n"
    "<mj-section><mj-column>\n<mj-text>x</mj-text>\n</mj-column></mj-section>\n"
    "<mj-raw>{% block lead %}{{ article.title }}{% endblock %}{% block section %}{{ section.title }}{% endblock %}</mj-raw>\n"
    "<mj-raw>{% block card %}{{ article.title }}{% endblock %}</mj-raw>\n</mj-body></mjml>\n"
)
TEXT = "{% block lead %}\n{% endblock %}\n{% block section %}\n{% endblock %}\n{% block card %}\n{% endblock %}\n{{ email }}\n"


def write(project: Project, name: str, mjml: str = BODY, text: str = TEXT) -> None:
    folder = project.folder / "templates"
    (folder / f"{name}.mjml").write_text(mjml, encoding="utf-8")
    (folder / f"{name}.txt").write_text(text, encoding="utf-8")


def reported(project: Project, *names: str) -> Any:
    return json.loads(project.command("templates", "check", *names, "--json").stdout)


def whence(project: Project) -> dict[str, str]:
    listed = json.loads(project.command("templates", "list", "--json").stdout)
    return {file["file"]: file["whence"] for one in listed["templates"] + listed["partials"] for file in one["files"]}


def test_list_tells_whence_each_file_comes(project: Project) -> None:
    write(project, "mine")
    (project.folder / "templates" / "weekly.txt").unlink()
    (project.folder / "templates" / "partials").mkdir(exist_ok=True)
    (project.folder / "templates" / "partials" / "own-piece.mjml").write_text("x", encoding="utf-8")
    assert whence(project).items() >= {
        ("mine.mjml", "own"),
        ("weekly.mjml", "copied"),
        ("weekly.txt", "shipped"),
        ("partials/own-piece.mjml", "own"),
    }
    with (project.folder / "templates" / "weekly.mjml").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert whence(project)["weekly.mjml"] == "changed"


def test_list_names_the_newsletters_that_use_a_template(project: Project) -> None:
    assert "weekly.mjml\tcopied\tweekly\n" in project.command("templates", "list").stdout


def test_the_templates_of_a_new_project_are_right(project: Project) -> None:
    said = project.command("templates", "check")
    assert said.returncode == 0
    assert "weekly: nothing to complain of\n" in said.stdout
    assert all(one["findings"] == [] for one in reported(project))


def test_a_wrong_attribute_is_told_with_tag_file_and_line_and_refused(project: Project) -> None:
    write(project, "mine", BODY.replace("<mj-text>x</mj-text>", WRONG))
    said = project.command("templates", "check", "mine")
    assert said.returncode == 3
    assert said.stdout == (
        "error: templates/mine.mjml, line 4: <mj-text> has no attribute `colour`: did you mean `color`?\nmine: 1 error, 0 warnings\n"
    )
    assert reported(project, "mine") == [
        {
            "template": "mine",
            "errors": 1,
            "findings": [
                {
                    "severity": "error",
                    "file": "templates/mine.mjml",
                    "line": 4,
                    "column": 10,
                    "tag": "mj-text",
                    "attribute": "colour",
                    "what": "<mj-text> has no attribute `colour`",
                    "mend": "did you mean `color`?",
                }
            ],
        }
    ]


def test_warnings_do_not_refuse(project: Project) -> None:
    write(project, "mine", BODY.replace("<mj-text>x</mj-text>", '<mj-image src="https://x.example/a.png" />'))
    said = project.command("templates", "check", "mine")
    assert said.returncode == 0
    assert said.stdout.endswith("mine: 0 errors, 1 warning\n")


def test_wrong_names_in_both_files_are_told_at_once_and_those_of_all_templates(project: Project) -> None:
    write(project, "mine", BODY.replace("greeting", "greting"), TEXT.replace("email", "emial"))
    write(project, "yours", BODY.replace("<mj-text>x</mj-text>", WRONG))
    found = {one["template"]: [(each["file"], each["line"]) for each in one["findings"]] for one in reported(project)}
    assert found["mine"] == [("templates/mine.mjml", 2), ("templates/mine.txt", 7)]
    assert found["yours"] == [("templates/yours.mjml", 4)]
    assert found["weekly"] == []


def test_what_goes_wrong_only_in_a_rendering_is_told(project: Project) -> None:
    write(project, "mine", BODY.replace("{{ section.title }}", "{{ section.title + 1 }}"))
    [found] = reported(project, "mine")[0]["findings"]
    assert (found["severity"], found["file"]) == ("error", "templates/mine.mjml")


@pytest.mark.parametrize(
    ("put", "said"),
    [
        ("<div>" * 9_000 + "</div>" * 9_000, "templates/mine.mjml, line 2: tags stand more than 500 deep"),
        ("{{ 'x' * 10**10 }}", "templates/mine.mjml, line 1: it needs too much memory"),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "templates/mine.mjml, line 1: maximum recursion depth"),
    ],
)
def test_a_template_that_would_take_the_run_with_it_is_an_error(project: Project, put: str, said: str) -> None:
    write(project, "mine", BODY.replace("{{ greeting }}", put))
    done = project.command("templates", "check", "mine")
    assert done.returncode == 3
    assert f"error: {said}" in done.stdout


def test_a_file_that_is_missing_is_an_error_of_its_template(project: Project) -> None:
    write(project, "mine")
    (project.folder / "templates" / "mine.txt").unlink()
    done = project.command("templates", "check", "mine")
    assert done.returncode == 3
    assert "there is no template mine.txt" in done.stdout


def test_a_name_that_no_template_has_is_wrong_usage(project: Project) -> None:
    said = project.command("templates", "check", "wekly")
    assert (said.returncode, said.stderr) == (2, "digest: there is no template 'wekly': did you mean `weekly`?\n")


def test_a_copy_is_what_ships_and_nothing_is_written_over_without_force(project: Project) -> None:
    file = project.folder / "templates" / "weekly.mjml"
    file.write_text("mine", encoding="utf-8")
    refused = project.command("templates", "copy", "weekly")
    assert refused.returncode == 3
    assert "weekly.mjml is there already, so nothing was copied: --force writes over it" in refused.stderr
    assert file.read_text(encoding="utf-8") == "mine"
    assert project.command("templates", "copy", "weekly", "--force").returncode == 0
    assert file.read_bytes() == (shipped("templates") / "weekly.mjml").read_bytes()


def test_a_copy_that_is_refused_leaves_nothing_half(project: Project) -> None:
    (project.folder / "templates" / "weekly.mjml").unlink()
    assert project.command("templates", "copy", "weekly").returncode == 3
    assert not (project.folder / "templates" / "weekly.mjml").exists()


def test_a_copy_goes_where_one_says(project: Project, tmp_path: Path) -> None:
    to = tmp_path / "elsewhere"
    said = project.command("templates", "copy", "weekly", "--to", str(to), "--json")
    assert json.loads(said.stdout) == {"written": [str(to / "weekly.mjml"), str(to / "weekly.txt")]}
    assert sorted(path.name for path in to.iterdir()) == ["weekly.mjml", "weekly.txt"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "what is to be copied?"),
        (("weekly", "--partial", "card"), "what is to be copied?"),
        (("wekly",), "no template 'wekly' is shipped: did you mean `weekly`?"),
        (("../config/digest",), "no template '../config/digest' is shipped"),
        (("--partial", "nope"), "no partial 'nope' is shipped: "),
    ],
)
def test_what_cannot_be_copied_is_wrong_usage(project: Project, arguments: tuple[str, ...], said: str) -> None:
    done = project.command("templates", "copy", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_folder_that_cannot_be_written_is_told(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    done = project.command("templates", "copy", "weekly", "--to", str(tmp_path / "file"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_a_partial_that_is_copied_and_edited_is_used_and_checked_by_its_own_lines(project: Project) -> None:
    partial = project.folder / "templates" / "partials" / "footer.mjml"
    partial.unlink()
    assert whence(project)["partials/footer.mjml"] == "shipped"
    assert project.command("templates", "copy", "--partial", "footer").returncode == 3  # footer.txt is there
    assert project.command("templates", "copy", "--partial", "footer", "--force").returncode == 0
    assert whence(project)["partials/footer.mjml"] == "copied"
    written = partial.read_text(encoding="utf-8").replace("<mj-column>", '<mj-column widht="50%">', 1)
    partial.write_text(written, encoding="utf-8")
    line = written[: written.index("widht")].count("\n") + 1
    said = project.command("templates", "check", "weekly")
    assert said.returncode == 3
    assert (
        f"error: templates/partials/footer.mjml, line {line}: <mj-column> has no attribute `widht`: did you mean `width`?"
        in said.stdout
    )


def test_a_circle_of_partials_is_an_error_with_its_line(project: Project) -> None:
    folder = project.folder / "templates" / "partials"
    (folder / "one.mjml").write_text('<mj-include path="partials/two.mjml" />\n', encoding="utf-8")
    (folder / "two.mjml").write_text('\n<mj-include path="partials/one.mjml" />\n', encoding="utf-8")
    write(project, "mine", BODY.replace("<mj-section>", '<mj-include path="partials/one.mjml" />\n<mj-section>', 1))
    done = project.command("templates", "check", "mine")
    assert done.returncode == 3
    assert "error: templates/partials/two.mjml, line 2: partials/one.mjml includes itself" in done.stdout
