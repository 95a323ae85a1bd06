"""Links that act for one subscription and one purpose, and for nobody else."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.audience import Purpose, derive_key, make_token, preferences_url, read_token, unsubscribe_url
from digest.audience.tokens import make_expiring_token, read_expiring_token

KEY = derive_key("a secret of the project that is long enough")
_IDS = st.integers(min_value=0, max_value=2**48 - 1)
_PURPOSES = st.sampled_from(Purpose)


@given(_PURPOSES, _IDS)
def test_a_token_reads_back_is_always_the_same_and_short(purpose: Purpose, number: int) -> None:
    token = make_token(KEY, purpose, number)
    assert read_token(KEY, purpose, token) == number
    assert token == make_token(KEY, purpose, number)
    assert len(token) == 32
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@given(_IDS)
def test_a_token_for_one_purpose_is_none_for_another(number: int) -> None:
    assert read_token(KEY, Purpose.PREFERENCES, make_token(KEY, Purpose.UNSUBSCRIBE, number)) is None


@given(st.text(min_size=1), st.text(min_size=1), _IDS)
def test_a_token_of_another_secret_is_none(secret: str, foreign: str, number: int) -> None:
    token = make_token(derive_key(foreign), Purpose.UNSUBSCRIBE, number)
    found = read_token(derive_key(secret), Purpose.UNSUBSCRIBE, token)
    assert found == (number if secret == foreign else None)


@given(_IDS, st.integers(min_value=0, max_value=24 * 8 - 1))
def test_one_changed_bit_makes_it_none(number: int, bit: int) -> None:
    raw = int.from_bytes(base64.urlsafe_b64decode(make_token(KEY, Purpose.UNSUBSCRIBE, number)), "big") ^ (1 << bit)
    forged = base64.urlsafe_b64encode(raw.to_bytes(24, "big")).decode()
    assert read_token(KEY, Purpose.UNSUBSCRIBE, forged) is None


@given(st.text() | st.text(alphabet="abcAB01-_", min_size=30, max_size=34))
def test_garbage_is_none_and_never_an_error(garbage: str) -> None:
    assert read_token(KEY, Purpose.UNSUBSCRIBE, garbage) is None


@pytest.mark.parametrize("change", [" {}", "{}\n", "{}=", "{}A", "\ud800{}"])
def test_a_token_with_anything_around_it_is_none(change: str) -> None:
    assert read_token(KEY, Purpose.UNSUBSCRIBE, change.format(make_token(KEY, Purpose.UNSUBSCRIBE, 7))) is None


def test_a_token_made_by_an_earlier_version_still_reads() -> None:
    assert make_token(KEY, Purpose.UNSUBSCRIBE, 7) == "AbYAAAAAAAeQadOwRkGo9SL7XrJE17gU"


@given(_PURPOSES, _IDS, st.binary(min_size=16, max_size=64))
def test_a_token_is_sealed_by_a_plain_hmac_sha256(purpose: Purpose, number: int, key: bytes) -> None:
    raw = base64.urlsafe_b64decode(make_token(key, purpose, number))
    assert raw[8:] == hmac.digest(key, purpose.value.encode() + b"|" + raw[:8], "sha256")[:16]


@pytest.mark.parametrize("key", [b"", b"k" * 15, b"k" * 65])
def test_a_key_that_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        make_token(key, Purpose.UNSUBSCRIBE, 1)


def test_keys_of_different_labels_differ() -> None:
    assert derive_key("secret", "tokens") != derive_key("secret", "ids")
    assert len(derive_key("secret")) == 32


def test_links_lead_to_the_public_pages() -> None:
    assert unsubscribe_url("https://news.example/", "abc") == "https://news.example/unsubscribe/abc"
    assert preferences_url("https://news.example/mail", "abc") == "https://news.example/mail/preferences/abc"


def test_an_expiring_token_holds_for_its_purpose_key_and_time_alone() -> None:
    key, other = derive_key("a" * 32), derive_key("b" * 32)
    end = datetime(2026, 11, 30, tzinfo=UTC)
    token = make_expiring_token(key, Purpose.CONFIRM, 4711, end)
    before = end - timedelta(seconds=1)
    assert len(token) == 40
    assert read_expiring_token(key, Purpose.CONFIRM, token, before) == 4711
    assert read_expiring_token(key, Purpose.CONFIRM, token, end) is None
    assert read_expiring_token(key, Purpose.ERASE, token, before) is None
    assert read_expiring_token(other, Purpose.CONFIRM, token, before) is None
    assert read_token(key, Purpose.CONFIRM, token) is None
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert read_expiring_token(key, Purpose.CONFIRM, changed, before) is None
    for nonsense in ("", "x", token + "A", token[:-1], "ä" * 40, make_token(key, Purpose.UNSUBSCRIBE, 4711)):
        assert read_expiring_token(key, Purpose.CONFIRM, nonsense, before) is None
