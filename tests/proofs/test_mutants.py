"""Each of the fifteen known mistakes, and of our own possible ones, is caught by a proof that passes without it."""

from __future__ import annotations

import pytest

from tests.proofs.mutants import KNOWN, MUTANTS, Mutant, schedules
from tests.proofs.telling import tell

pytestmark = pytest.mark.proof


def test_there_are_fifteen_known_ones() -> None:
    assert len({mutant.name for mutant in KNOWN}) == len({mutant.patch for mutant in KNOWN}) == 15


def test_each_has_a_name_and_a_mistake_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len({mutant.patch for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.prove is not schedules], ids=lambda one: one.name)
def test_the_product_as_it_is_passes(mutant: Mutant) -> None:
    mutant.prove()  # the simulation has a test of its own


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_mistake_is_caught(mutant: Mutant) -> None:
    with pytest.raises(AssertionError) as caught, mutant.patch():
        mutant.prove()
    tell(f"mutant: {mutant.name}: {str(caught.value).splitlines()[0]}")
