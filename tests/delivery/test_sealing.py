"""The way back from a delivery's id to its subscriber."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.sealing import delivery_id, seal, unseal

KEY = b"k" * 32


def an_id(subscriber: int, slot: str = "2026-11-23T09:00") -> str:
    return delivery_id(KEY, "weekly", "weekly", slot, subscriber)


@given(st.integers(1, (1 << 63) - 1))
def test_a_seal_leads_back_with_the_key_alone(subscriber: int) -> None:
    own = an_id(subscriber)
    assert unseal(KEY, own, seal(KEY, own, subscriber)) == subscriber
    assert unseal(b"o" * 32, own, seal(KEY, own, subscriber)) != subscriber


def test_it_is_opaque_and_another_in_every_issue() -> None:
    seals = {seal(KEY, an_id(7, slot), 7) for slot in ("2026-11-23T09:00", "2026-11-30T09:00")}
    assert len(seals) == 2
    assert {len(one) for one in seals} == {16}
    assert f"{7:016x}" not in seals


@given(st.text(max_size=40), st.text(max_size=20))
def test_whatever_else_comes_is_no_seal_or_leads_to_an_id_that_is_not_derived(own: str, sealed: str) -> None:
    found = unseal(KEY, own, sealed)
    assert found is None or an_id(found) != own
