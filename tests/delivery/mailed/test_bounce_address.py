"""A bounce address carries a delivery's id and seal there and back."""

from __future__ import annotations

import random
from dataclasses import replace

from digest.delivery.mailed.bounce_address import LONGEST_LOCAL_PART, BounceAddress, Token
from digest.settings.bounces import LONGEST_BOUNCE_BOX
from digest.testing.specimens import an_envelope

BASE = BounceAddress("bounces@news.example")


def test_what_is_written_is_read_however_it_is_cased() -> None:
    seed = random.randrange(10**6)
    draw = random.Random(seed)
    for _ in range(200):
        token = Token(f"{draw.getrandbits(128):032x}", f"{draw.getrandbits(64):016x}")
        address = BASE.of(replace(an_envelope(), delivery_id=token.delivery_id, seal=token.seal))
        assert BASE.find(f"X <{address.swapcase()}>, y") == (token,), seed


def test_a_message_that_is_no_delivery_has_the_address_itself() -> None:
    assert BASE.of(an_envelope()) == "bounces@news.example"


def test_what_is_nothing_of_the_kind_is_not_found() -> None:
    token = "0" * 32 + "1" * 16
    for text in (
        "",
        "bounces@news.example",
        f"bounces+{token}@evil.example",
        f"bounces+{token}@news.example.evil",
        f"bounces+{token}@news.example-evil",
        f"xbounces+{token}@news.example",
        f"bounces+{token[:-1]}@news.example",
        f"bounces+{token}a@news.example",
        f"bounces+{'g' * 48}@news.example",
    ):
        assert BASE.find(text) == (), text


def test_at_most_twenty_are_found_and_each_once() -> None:
    tokens = [f"bounces+{n:032x}{0:016x}@news.example" for n in range(50)]
    assert len(BASE.find(" ".join(tokens * 2))) == 20


def test_the_settings_know_how_much_room_there_is() -> None:
    assert LONGEST_BOUNCE_BOX == LONGEST_LOCAL_PART
