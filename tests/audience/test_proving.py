"""The price of a form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.audience import derive_key
from digest.audience.proving import HIGHER, HIGHEST, HOLDS_FOR, USUAL, Price, Proof, bits_of, is_proof, judge, make_challenge

KEY = derive_key("a secret of the project that is long enough")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_a_number_that_solves_it_is_good_at_once_and_no_other() -> None:
    challenge = make_challenge(KEY, NOW)
    number = next(number for number in range(2**24) if is_proof(challenge, str(number)))
    assert judge(KEY, challenge, str(number), NOW).proof is Proof.GOOD
    for wrong in ("", "-1", str(number) + "0", "0x1", "9" * 13, "١"):
        assert judge(KEY, challenge, wrong, NOW).proof is Proof.TOO_SOON


def test_who_waits_needs_no_number() -> None:
    challenge = make_challenge(KEY, NOW)
    assert judge(KEY, challenge, "", NOW).seconds == 21
    assert judge(KEY, challenge, "", NOW + USUAL.wait - timedelta(seconds=1)).proof is Proof.TOO_SOON
    assert judge(KEY, challenge, "", NOW + USUAL.wait).proof is Proof.GOOD


@pytest.mark.parametrize("challenge", ["", "x", "A" * 32, "ä" * 32])
def test_what_we_did_not_sign_is_none(challenge: str) -> None:
    assert judge(KEY, challenge, "1", NOW + USUAL.wait).proof is Proof.NONE


def test_another_key_another_day_and_a_changed_letter_are_none() -> None:
    challenge = make_challenge(KEY, NOW)
    later = NOW + USUAL.wait
    assert judge(derive_key("b" * 32), challenge, "", later).proof is Proof.NONE
    assert judge(KEY, challenge, "", NOW + HOLDS_FOR).proof is Proof.NONE
    assert judge(KEY, challenge, "", NOW - timedelta(minutes=2)).proof is Proof.NONE
    for place in range(len(challenge)):
        changed = challenge[:place] + ("A" if challenge[place] != "A" else "B") + challenge[place + 1 :]
        assert judge(KEY, changed, "", later).proof is Proof.NONE


@pytest.mark.parametrize("price", [USUAL, HIGHER, HIGHEST])
def test_a_challenge_says_what_it_asks_for_and_holds_while_no_more_is_asked(price: Price) -> None:
    challenge = make_challenge(KEY, NOW, price)
    assert bits_of(challenge) == price.bits
    later = NOW + price.wait
    assert judge(KEY, challenge, "", later, price).proof is Proof.GOOD
    assert judge(KEY, challenge, "", later - timedelta(seconds=1), price).proof is Proof.TOO_SOON
    dearer = Price(price.bits + 1, price.wait)
    assert judge(KEY, challenge, "", later, dearer).proof is Proof.NONE


def test_a_number_for_a_lower_price_does_not_pay_the_higher_one() -> None:
    challenge = make_challenge(KEY, NOW, HIGHER)
    cheap = next(
        str(number)
        for number in range(2**24)
        if is_proof(challenge, str(number)) and not is_proof(challenge, str(number), HIGHER.bits)
    )
    assert judge(KEY, challenge, cheap, NOW, USUAL).proof is Proof.GOOD
    assert judge(KEY, challenge, cheap, NOW, HIGHER).proof is Proof.TOO_SOON
