from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import TemplateError
from digest.rendering.source import Source
from digest.rendering.templates import load_template, make_template

from .sample import SHIPPED


def test_each_file_comes_from_the_first_folder_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "weekly.txt").write_text("mine", "utf-8")
    loaded = load_template("weekly", [tmp_path, SHIPPED])
    assert loaded.text.text == "mine"
    assert loaded.mjml.text.startswith("<!--")


def test_a_missing_template_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"no template other\.mjml in .*: add it"):
        load_template("other", [tmp_path])


@pytest.mark.parametrize("name", ["../weekly", "", "a/b", ".hidden", "a\nb"])
def test_a_name_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(TemplateError, match="cannot name a template"):
        load_template(name, [SHIPPED])


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.mjml").write_bytes(b"<mjml>\n\xff")
    with pytest.raises(TemplateError, match=r"bad\.mjml, line 2: not UTF-8"):
        load_template("bad", [tmp_path])


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.mjml").write_bytes(b"x" * 1_000_001)
    with pytest.raises(TemplateError, match="larger than"):
        load_template("big", [tmp_path])


def test_the_hash_goes_by_the_text_and_not_by_the_place() -> None:
    one = make_template("a", Source("x/a.mjml", "m"), Source("x/a.txt", "t"))
    assert one.hash == make_template("a", Source("y/a.mjml", "m"), Source("y/a.txt", "t")).hash
    assert one.hash != make_template("a", Source("x/a.mjml", "mt"), Source("x/a.txt", "")).hash


def test_a_file_that_cannot_be_read_is_an_error_of_the_template(tmp_path: Path) -> None:
    (tmp_path / "weekly.mjml").mkdir()
    with pytest.raises(TemplateError, match=r"weekly\.mjml cannot be read: Is a directory"):
        load_template("weekly", [tmp_path, SHIPPED])


@pytest.mark.parametrize("target", ["nowhere", "card.mjml"])
def test_a_link_that_leads_nowhere_does_not_bring_the_shipped_file_back(tmp_path: Path, target: str) -> None:
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials" / "card.mjml").symlink_to(target)
    with pytest.raises(TemplateError, match=r"partials/card\.mjml is a link that leads nowhere"):
        load_template("weekly", [tmp_path, SHIPPED])
