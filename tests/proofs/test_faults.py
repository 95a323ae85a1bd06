"""Everything a peer can do wrong, at every phase: the runs that follow bring it to an end, nobody twice, nobody lost.

Real processes and real sockets; the witness misbehaves and counts all the same. The short form takes some kinds at every
phase, `DIGEST_FAULTS=all` every one, on both stores.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.databases import Server
from tests.proofs import sendgrid_faults, smtp_faults
from tests.proofs.ground import STORES, TRANSPORTS, Seed, a_ground, a_seed
from tests.proofs.trials import RUN, at_once, bring_to_an_end, judge, tell_sums, thinned
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

MOST = {"sqlite": 63, "postgresql": 12}  # kinds of the short form: every other one of the relay's, so that each phase has some
IMPATIENT = {
    "DIGEST_DELIVERY__CONCURRENCY": "1",
    "DIGEST_DELIVERY__CONNECT_TIMEOUT": "1s",
    "DIGEST_DELIVERY__TIMEOUT": "1s",
    "DIGEST_DELIVERY__RETRY_FIRST": "0s",
    "DIGEST_DELIVERY__PATIENCE": "0s",
}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.mark.parametrize("store", STORES)
def test_whatever_a_relay_does_wrong_at_whatever_phase_nobody_gets_it_twice_and_nobody_is_lost(
    zygote: Zygote, postgresql: Server, store: str
) -> None:
    with a_seed(zygote, store, smtp_faults.PEOPLE, postgresql, approved=True) as seed:
        faults = thinned(smtp_faults.every_fault(), MOST[store])
        sums = at_once(lambda fault: try_relay(zygote, seed, fault), faults)
    tell_sums(f"smtp {store}: {len(faults)} kinds at first, middle and last", sums)


@pytest.mark.parametrize("store", STORES)
def test_whatever_an_api_does_wrong_at_whatever_phase_nobody_gets_it_twice_and_nobody_is_lost(
    zygote: Zygote, postgresql: Server, store: str
) -> None:
    with a_seed(zygote, store, sendgrid_faults.PEOPLE, postgresql, approved=True) as seed:
        faults = thinned(sendgrid_faults.every_fault(), MOST[store])
        sums = at_once(lambda fault: try_api(zygote, seed, fault), faults)
    tell_sums(f"sendgrid {store}: {len(faults)} kinds at first, middle and last", sums)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_service_that_refuses_or_never_answers_a_connection_is_sent_to_later_and_nobody_is_in_doubt(
    zygote: Zygote, transport: str
) -> None:
    with a_seed(zygote, "sqlite", smtp_faults.PEOPLE, approved=True) as seed, a_black_hole() as silent, a_closed_port() as closed:
        came_to = [try_port(zygote, seed, transport, port) for port in (silent, closed)]
    tell_sums(f"{transport} sqlite: no connection, refused or never answered", came_to)


def try_port(zygote: Zygote, seed: Seed, transport: str, port: int) -> Counter[str]:
    """The first run knocks at a wrong port."""
    with a_ground(zygote, seed, transport) as ground:
        host = {"DIGEST_PROVIDERS__SENDGRID__HOST": f"http://127.0.0.1:{port}", "DIGEST_PROVIDERS__SMTP__PORT": str(port)}
        status = ground.run(*RUN, **IMPATIENT, **host)
        assert (status, ground.count()) == (5, 0), ground.said()
        runs = 1 + bring_to_an_end(ground, IMPATIENT)
        found = judge(ground, f"port {port}")
    assert found.accepted == found.audience, found
    return found.sums(faults=1, runs=runs)


@contextmanager
def a_black_hole() -> Iterator[int]:
    """A port that never answers a connection: its queue is full, and nobody takes from it."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextmanager
def a_closed_port() -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def try_relay(zygote: Zygote, seed: Seed, fault: smtp_faults.Fault) -> Counter[str]:
    """One kind of fault, at all its places, and what it came to."""
    relay = smtp_faults.Unreliable(fault)
    with a_ground(zygote, seed, "smtp", relay.sink) as ground:
        runs = bring_to_an_end(ground, IMPATIENT, relay.begin)
        found = judge(ground, str(fault))
    assert relay.fired >= fault.least, f"{fault}: it happened {relay.fired} times"
    doubts = range(relay.fired + 1) if fault.perhaps_doubtful else [relay.fired * fault.doubtful]
    rejected = range(relay.fired + 1) if fault.perhaps_doubtful else [relay.fired * fault.rejects]
    assert found.unknown in doubts, f"{fault}: {found}, and it happened {relay.fired} times\n{ground.said()}"
    assert found.rejected in rejected, f"{fault}: {found}, and it happened {relay.fired} times"
    return found.sums(faults=relay.fired, runs=runs)


def try_api(zygote: Zygote, seed: Seed, fault: sendgrid_faults.Fault) -> Counter[str]:
    """The same of an API."""
    api = sendgrid_faults.Unreliable(fault)
    with a_ground(zygote, seed, "sendgrid", api.stub) as ground:
        runs = bring_to_an_end(ground, IMPATIENT, api.begin)
        found = judge(ground, str(fault))
    assert api.fired >= fault.least, f"{fault}: it happened {api.fired} times"
    doubts = range(api.fired + 1) if fault.doubtful is None else [api.fired * fault.doubtful]
    assert found.unknown in doubts, f"{fault}: {found}, and it happened {api.fired} times\n{ground.said()}"
    assert found.rejected == api.fired * fault.rejects, f"{fault}: {found}, and it happened {api.fired} times"
    return found.sums(faults=api.fired, runs=runs)
