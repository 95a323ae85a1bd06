"""The kill points of sending, through every other service: on one store, for the rest was shown on both.

Resend sends again what a death left unknown, under the same key; its stub knows keys for as long as it lives, as Resend does
for a day, and counts a mail once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digest.testing.service_stubs import SERVICES
from tests.databases import Server
from tests.proofs.ground import a_seed
from tests.proofs.telling import tell
from tests.proofs.test_kill_points import PEOPLE, SCENARIOS, die_at, points_of
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

ROOMS = ("mark", "connect", "body", "answer", "settle")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.mark.parametrize("transport", [service.name for service in SERVICES])
def test_a_death_while_sending_costs_nobody_a_mail_and_brings_nobody_two(
    zygote: Zygote, postgresql: Server, transport: str
) -> None:
    deaths = 0
    with a_seed(zygote, "sqlite", PEOPLE, postgresql) as seed:
        points = points_of(zygote, SCENARIOS[0], seed, transport)
        for name, count in points.items():
            if name.partition(".")[0] in ROOMS:
                for nth in sorted({1, count}):
                    die_at(zygote, seed, transport, SCENARIOS[0], name, nth)
                    deaths += 1
    tell(f"kill points: sqlite {transport}: {deaths} places, {deaths} deaths")
