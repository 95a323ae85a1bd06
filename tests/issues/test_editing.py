"""What an editor fixes and leaves out of one issue."""

from __future__ import annotations

import pytest

from digest.issues.editing import Edits


@pytest.mark.parametrize(
    ("before", "does", "articles", "after"),
    [
        (Edits(), "pin", [2, 1], Edits((2, 1))),
        (Edits((2,)), "pin", [3, 2], Edits((2, 3))),
        (Edits((), (1,)), "pin", [1], Edits((1,))),
        (Edits((1, 2)), "exclude", [1], Edits((2,), (1,))),
        (Edits((), (1,)), "exclude", [1, 2], Edits((), (1, 2))),
        (Edits((1, 2), (3,)), "put_back", [1, 3, 9], Edits((2,))),
        (Edits((1,), (2,)), "pin", [], Edits((1,), (2,))),
    ],
)
def test_an_article_is_pinned_or_left_out_or_neither(before: Edits, does: str, articles: list[int], after: Edits) -> None:
    assert getattr(before, does)(articles) == after
