from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import TemplateError
from digest.rendering.compile import compile_template
from digest.rendering.lint import lint
from digest.rendering.partials import DEEPEST, LARGEST, with_partials
from digest.rendering.source import Source
from digest.rendering.templates import load_template

from .sample import BODY, SHIPPED, TEXT


def joined(text: str, files: dict[str, str], name: str = "templates/a.mjml") -> Source:
    found = {path: Source(f"templates/{path}", content) for path, content in files.items()}
    return with_partials(Source(name, text), found.get)


def include(path: str) -> str:
    return f'<mj-include path="{path}" />'


def message(text: str, files: dict[str, str], name: str = "templates/a.mjml") -> str:
    with pytest.raises(TemplateError) as raised:
        joined(text, files, name)
    return str(raised.value)


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, content in {"a.mjml": BODY, "a.txt": TEXT, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


def test_a_partial_stands_where_it_is_named_and_every_line_knows_where_it_was_written() -> None:
    made = joined(
        f"one\n  {include('b.mjml')}\ntwo\n{include('b.mjml')}", {"b.mjml": f"x\n{include('c.mjml')}\ny", "c.mjml": "z\n"}
    )
    assert made.text == "one\nx\nz\ny\ntwo\nx\nz\ny\n"
    places = [made.place(line) for line in range(1, 9)]
    b = ["templates/b.mjml, line 1", "templates/c.mjml, line 1", "templates/b.mjml, line 3"]
    assert places == ["templates/a.mjml, line 1", *b, "templates/a.mjml, line 3", *b]


def test_plain_text_includes_as_jinja_does_and_leaves_no_line_behind() -> None:
    made = joined("one\n{% include 'b.txt' %}\ntwo\n", {"b.txt": "x\n"}, "templates/a.txt")
    assert made.text == "one\nx\ntwo\n"


@pytest.mark.parametrize("remark", ["<!-- {} -->", "{{# {} #}}"])
def test_what_is_commented_out_is_not_included(remark: str) -> None:
    text = remark.format(include("b.mjml"))
    assert joined(text, {}).text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (include("b.mjml"), "templates/a.mjml, line 2: there is no b.mjml in the project's templates/ nor among those that ship"),
        (include("../b.mjml"), "line 2: '../b.mjml' names no partial"),
        (include("/etc/b.mjml"), "names no partial"),
        (include("partials/../../b.mjml"), "names no partial"),
        (include(".b.mjml"), "names no partial"),
        (include("b.txt"), "'b.txt' names no partial: write a path within templates/, as in partials/card.mjml"),
        (include("{{ lang }}.mjml"), "names no partial"),
        ('<mj-include path="b.css" type="css" />', "line 2: a partial is named by its path and nothing else"),
        ("<mj-include />", "a partial is named by its path and nothing else"),
        (f"<p>{include('b.mjml')}</p>", "line 2: b.mjml is included beside something else"),
    ],
)
def test_what_cannot_be_included_is_refused_with_file_and_line(text: str, said: str) -> None:
    assert said in message(f"\n{text}", {})


@pytest.mark.parametrize(
    ("name", "flood"),
    [("a.mjml", "<!-- "), ("a.mjml", "{# "), ("a.mjml", "<mj-include "), ("a.txt", "{# "), ("a.txt", "{% include ")],
)
def test_a_flood_of_what_is_never_closed_is_read_once_and_left_as_it_is(name: str, flood: str) -> None:
    text = flood * (LARGEST // len(flood))  # looked through from each beginning, it would take hours
    assert joined(text, {}, name).text == text


def test_a_file_of_nothing_but_partials_is_read_once() -> None:
    many = LARGEST // len(include("b.mjml") + "\n")
    made = joined(f"{include('b.mjml')}\n" * many, {"b.mjml": ""})
    assert made.text == "\n" * many
    assert made.place(many) == "templates/b.mjml, line 1"


def test_nothing_is_included_behind_a_comment_that_is_never_closed() -> None:
    text = f"<!-- oh\n{include('b.mjml')}\n"
    assert joined(text, {}).text == text
    [mistake, *_] = lint(Source("templates/a.mjml", text))
    assert (mistake.line, mistake.what) == (1, "`<` begins no tag here")


@pytest.mark.parametrize("rest", ["'b.txt' ignore missing", "name", "['b.txt', 'c.txt']"])
def test_jinja_s_further_ways_to_include_are_refused(rest: str) -> None:
    assert "line 1: a partial is named by its path" in message(f"{{% include {rest} %}}", {}, "templates/a.txt")


def test_partials_that_include_each_other_are_refused_where_the_circle_closes() -> None:
    files = {"b.mjml": f"\n{include('c.mjml')}", "c.mjml": f"\n\n{include('b.mjml')}"}
    assert message(include("b.mjml"), files) == "templates/c.mjml, line 3: b.mjml includes itself: b.mjml → c.mjml → b.mjml"


def test_too_many_partials_within_each_other_are_refused() -> None:
    deep = {f"p{step}.mjml": include(f"p{step + 1}.mjml") for step in range(DEEPEST)}
    joined(include("p1.mjml"), deep | {f"p{DEEPEST}.mjml": "end"})
    assert "more than 10 partials" in message(include("p0.mjml"), deep | {f"p{DEEPEST}.mjml": "end"})


def test_partials_that_multiply_are_refused() -> None:
    files = {f"p{step}.mjml": f"{include(f'p{step + 1}.mjml')}\n" * 30 for step in range(6)} | {"p6.mjml": "x" * 60}
    assert "has more than 1,000,000 characters" in message(include("p0.mjml"), files)


def test_one_partial_of_a_project_changes_a_shipped_template_and_its_hash(tmp_path: Path) -> None:
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials/footer.mjml").write_text("<mj-raw>{{ unsubscribe_url }} mine</mj-raw>\n", "utf-8")
    mine, shipped = load_template("weekly", [tmp_path, SHIPPED]), load_template("weekly", [SHIPPED])
    assert "{{ unsubscribe_url }} mine" in mine.mjml.text
    assert mine.text == shipped.text
    assert mine.hash != shipped.hash


def test_a_project_s_own_template_may_use_the_shipped_partials(tmp_path: Path) -> None:
    own = project(tmp_path, {"a.mjml": BODY.replace("<mj-raw>{{ greeting }}", f"{include('partials/footer.mjml')}\n<mj-raw>")})
    compile_template(load_template("a", [own, SHIPPED]))


@pytest.mark.parametrize(
    ("partial", "said"),
    [
        ("<mj-raw>\n{{ nobody }}\n</mj-raw>", "partials/mine.mjml, line 2: `nobody` is not known"),
        ("<mj-raw>\n{{ nobody \n</mj-raw>", "partials/mine.mjml, line 3: "),
        ("\n\n<mj-bogus />", "partials/mine.mjml, line 3: <mj-bogus> is no MJML component"),
        (
            "<mj-section>\n<mj-column>\n</mj-section>",
            "partials/mine.mjml, line 3: </mj-section> stands where <mj-column> of line 2",
        ),
        ("<mj-raw>\n{{ _(lang) }}</mj-raw>", "partials/mine.mjml, line 2: `_` takes its English"),
        ("<mj-raw>\n{{ article.nobody }}</mj-raw>", "partials/mine.mjml, line 2: `article` has no `nobody`"),
    ],
)
def test_a_mistake_in_a_partial_is_named_by_the_partial_s_line(tmp_path: Path, partial: str, said: str) -> None:
    own = project(
        tmp_path,
        {
            "a.mjml": BODY.replace(
                "<mj-raw>{% block card %}", f"<mj-raw>{{% block card %}}</mj-raw>\n{include('partials/mine.mjml')}\n<mj-raw>"
            ),
            "partials/mine.mjml": partial,
        },
    )
    with pytest.raises(TemplateError) as raised:
        compile_template(load_template("a", [own]))
    assert said in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path.name}/partials/")


def test_what_goes_wrong_while_a_partial_runs_is_named_by_its_line(tmp_path: Path) -> None:
    from digest.rendering.render import render_blocks

    from .sample import CONTENT

    own = project(
        tmp_path, {"a.txt": TEXT + "{% include 'partials/x.txt' %}\n", "partials/x.txt": "\n{{ site.name.nickname.x }}\n"}
    )
    with pytest.raises(TemplateError, match=r"/partials/x\.txt, line 2: .*nickname"):
        render_blocks(load_template("a", [own]), CONTENT)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("s", "utf-8")
    own = project(tmp_path / "templates", {"a.txt": TEXT + "{% include 'partials/x.txt' %}\n"})
    (own / "partials").mkdir()
    (own / "partials/x.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(TemplateError, match="is a link out of"):
        load_template("a", [own])
