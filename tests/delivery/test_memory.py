"""Memory is given back where the system's library can."""

from __future__ import annotations

import ctypes
import weakref

import pytest

from digest.delivery.memory import give_back_memory


class Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize("library", [ctypes.CDLL, lambda _: object()])
def test_what_nobody_holds_is_let_go_also_where_the_library_keeps_its_memory(
    monkeypatch: pytest.MonkeyPatch, library: object
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", library)
    held = weakref.ref(Circle())
    give_back_memory()
    assert held() is None
