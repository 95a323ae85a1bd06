"""What ships is found in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.shipped import shipped

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["templates", "config", "articles.json"])
def test_a_checkout_has_it_beside_the_package(name: str) -> None:
    assert shipped(name) == CHECKOUT / name


def test_a_wheel_has_it_in_the_package(tmp_path: Path) -> None:
    code = tmp_path / "site-packages" / "digest"
    (code / "_shipped" / "templates").mkdir(parents=True)
    (code.parent / "templates").mkdir()  # of another package: not ours
    assert shipped("templates", code) == code / "_shipped" / "templates"


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"templates does not ship"):
        shipped("templates", tmp_path / "digest")
