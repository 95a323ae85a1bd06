"""Each of the fifteen known mistakes is caught by a proof that passes without it."""

from __future__ import annotations

import pytest

from tests.proofs.mutants import MUTANTS, Mutant, schedules
from tests.proofs.telling import tell

pytestmark = pytest.mark.proof


def test_there_are_fifteen() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len({mutant.patch for mutant in MUTANTS}) == 15


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.prove is not schedules], ids=lambda one: one.name)
def test_the_product_as_it_is_passes(mutant: Mutant) -> None:
    mutant.prove()  # the simulation has a test of its own


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_mistake_is_caught(mutant: Mutant) -> None:
    with pytest.raises(AssertionError) as caught, mutant.patch():
        mutant.prove()
    tell(f"mutant: {mutant.name}: {str(caught.value).splitlines()[0]}")
