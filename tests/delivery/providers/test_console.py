"""Mails on the screen."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.console import Console, show
from digest.testing.provider_contract import Behaviour, ProviderContract, Trial, send
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings


class Screen(io.StringIO):
    """Takes as much as told, and then is full."""

    def __init__(self, room: int = 1_000_000, encoding: str = "utf-8") -> None:
        super().__init__()
        self._room, self._encoding = room, encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # a property here, an attribute there
        return self._encoding

    def write(self, text: str) -> int:
        text.encode(self._encoding)
        self._room -= len(text)
        if self._room < 0:
            raise BrokenPipeError(32, "Broken pipe")
        return super().write(text)


class TestTheContract(ProviderContract):
    behaviours = frozenset({Behaviour.TAKES, Behaviour.OUT_OF_REACH})

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        before, sys.stdout = sys.stdout, Screen(1_000_000 if behaviour is Behaviour.TAKES else 100)
        try:
            screen = sys.stdout
            yield Trial(
                Console(some_settings()),
                arrived=lambda: [line.removeprefix("To: ") for line in screen.getvalue().splitlines() if line.startswith("To: ")],
            )
        finally:
            sys.stdout = before


def test_a_mail_is_printed_with_its_headers_and_its_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert send(Console(some_settings()), [an_envelope(1, name="Ada")]).outcomes == (Outcome.ACCEPTED,)
    assert capsys.readouterr().out.splitlines() == [
        "-" * 72,
        "From: Example News <news@news.example>",
        "To: Ada <reader1@example.com>",
        "Subject: The weekly: queues & Größe",
        "Date: Mon, 23 Nov 2026 09:00:00 +0000",
        "Message-ID: <d0000000001@news.example>",
        "List-Unsubscribe: <https://news.example/unsubscribe/u0000000001>",
        "",
        "News of the week",
        "",
        ".A line with a dot before it. Hello Ada & Co, you are reader1@example.com.",
        "Preferences: https://news.example/preferences/p0000000001?a=1&b=2",
        "Leave: https://news.example/unsubscribe/u0000000001",
    ]


def test_nothing_in_a_mail_can_move_the_cursor_or_pass_for_a_header() -> None:
    envelope = an_envelope(greeting="a\x1b[2J\x9bb\u202ec", name="Ada\r\nBcc: evil@x.example")
    shown = show(a_rendition(text="line\x07 one\r\nline two"), envelope, DATE)
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    assert "To: AdaBcc: evil@x.example <reader1@example.com>\n" in shown
    assert "Hello a[2Jbc, you are" in shown


def test_a_screen_that_lacks_a_sign_shows_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    assert send(Console(some_settings()), envelopes(1)).outcomes == (Outcome.ACCEPTED,)
    assert "Subject: The weekly: queues & Gr??e" in screen.getvalue()


def test_a_screen_that_is_closed_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    screen.close()
    monkeypatch.setattr(sys, "stdout", screen)
    answer = send(Console(some_settings()), envelopes(1))
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


def test_a_link_that_cannot_be_written_is_the_contents_trouble() -> None:
    envelope = an_envelope()
    broken = replace(envelope, personal=replace(envelope.personal, unsubscribe_url="mailto:nobody"))
    answer = send(Console(some_settings()), [broken])
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONTENT)
