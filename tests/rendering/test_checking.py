from __future__ import annotations

from pathlib import Path

from digest.rendering.checking import check_template
from digest.rendering.compile import compile_template
from digest.rendering.mistakes import mistake_of_error
from digest.rendering.templates import load_template

from .sample import BODY, SHIPPED, shipped, template


def test_the_shipped_templates_have_no_mistake() -> None:
    names = sorted(file.stem for file in SHIPPED.glob("*.mjml"))
    assert "weekly" in names
    assert {name: [str(one) for one in check_template(load_template(name, [SHIPPED]))] for name in names} == {
        name: [] for name in names
    }


def test_what_lint_and_the_compiler_notice_is_told_once() -> None:
    found = check_template(template(BODY.replace("{{ greeting }}", "<p>{{ greeting }}")))
    assert [(one.severity, one.line) for one in found] == [("warning", 1), ("error", 2)]


def test_what_a_specimen_stumbles_over_is_told_and_keeps_no_issue_from_being_made() -> None:
    stumbles = template(BODY.replace("{{ section.title }}", "{{ section.title }}{{ issue.date + 1 }}"))
    assert [one.severity for one in check_template(stumbles)][-1] == "error"
    compile_template(stumbles)


def test_a_mistake_in_a_partial_is_told_with_the_partials_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "templates" / "partials").mkdir(parents=True)
    (tmp_path / "templates" / "partials" / "card.mjml").write_text(
        '<mj-section>\n  <mj-column>\n    <mj-text colour="red">{{ article.title }}</mj-text>\n  </mj-column>\n</mj-section>\n',
        encoding="utf-8",
    )
    found = check_template(load_template("weekly", [tmp_path / "templates", SHIPPED]))
    assert [(one.file, one.line, one.column, one.attribute) for one in found] == [
        ("templates/partials/card.mjml", 3, 14, "colour")
    ]


def test_an_error_without_a_place_is_of_the_file_that_is_meant() -> None:
    placed = mistake_of_error("a.mjml", "templates/b.txt, line 3: no such name: `x`")
    assert (placed.file, placed.line, placed.what) == ("templates/b.txt", 3, "no such name: `x`")
    bare = mistake_of_error("a.mjml", "a.mjml: MJML crashed")
    assert (str(bare), bare.line, bare.column) == ("a.mjml: MJML crashed", None, None)


def test_remarks_are_for_authors_and_no_mistake() -> None:
    text = shipped().mjml.text.replace("<mj-body", "<!-- <mj-bogus> -->\n<mj-body", 1)
    assert check_template(template(text, shipped().text.text)) == []
