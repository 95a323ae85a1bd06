"""`kill -9` in the middle of `digest restore`, before the Nth call of each kind, for every N or some of them.

What stands then is what stood before, and sends on, or what the backup holds, and sends nothing until a person says so; never
some of either. What was there before is not lost, and the same restore again does all of it. The short form takes some of every N,
`DIGEST_FAULTS=all` each.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import inspect, make_url

from digest.store.database import Store
from digest.store.restoring import is_empty
from digest.store.seal import unseal
from tests.databases import Server
from tests.journeys.backups import rows
from tests.proofs.ground import NOW, Ground, Seed, a_ground, a_seed
from tests.proofs.telling import tell
from tests.proofs.trials import at_once, thinned
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

PEOPLE = 3
MOST = 3  # of every N, in the short form
KILLED = -9
BACKUP = "kept.backup"
KNOWINGLY = {"DIGEST_DATABASE__EPOCH": "none"}  # the grounds are copies; what was restored asks all the same
CALLS = {
    "sqlite": ("sqlite.open", "sqlite.pwrite", "sqlite.ftruncate", "file.rename", "file.fsync", "file.unlink", "commit"),
    "postgresql": ("copy", "commit", "file.rename", "file.fsync", "file.unlink"),
}
Held = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@contextmanager
def a_newer_one(zygote: Zygote, store: str, server: Server) -> Iterator[Seed]:
    """A project that has sent an issue since its backup was made."""
    with a_seed(zygote, store, PEOPLE, server) as seed, a_ground(zygote, seed, "smtp") as ground:
        assert ground.run("backup", BACKUP, **KNOWINGLY) == 0, ground.said()
        assert ground.run("run", "--now", NOW, **KNOWINGLY) == 0, ground.said()
        assert ground.count() == PEOPLE
        yield Seed(ground.folder, store, seed.server, make_url(ground.database_url).database if seed.server else None)


@pytest.mark.parametrize("store", CALLS)
def test_over_a_newer_database_what_stood_before_stands_or_all_of_the_backup(
    zygote: Zygote, postgresql: Server, store: str
) -> None:
    with a_newer_one(zygote, store, postgresql) as seed:
        with a_ground(zygote, seed, "smtp") as ground:
            before = held(ground)
            counts = counted(ground, "restore", BACKUP, "--replace")
            after = held(ground)
        assert before != after
        faults = list(choose(store, counts))

        def trial(fault: str) -> Counter[str]:
            with a_ground(zygote, seed, "smtp") as ground:
                assert ground.run("restore", BACKUP, "--replace", **KNOWINGLY, DIGEST_FAULT=fault) == KILLED, fault
                found = held(ground)
                assert found in (before, after), f"{fault}: half of a restore"
                code = ground.run("run", "--now", NOW, **KNOWINGLY)
                assert (code, ground.count()) == ((3, 0) if found == after else (0, 0)), fault
                assert found == before or kept_aside(ground), fault
                assert ground.run("restore", BACKUP, "--replace", **KNOWINGLY) == 0, f"{fault}: {ground.said()}"
                assert held(ground) == after, fault
                assert ground.run("run", "--now", NOW, **KNOWINGLY) == 3, fault
                return Counter(restored=int(found == after))

        say(store, "over a newer database", faults, at_once(trial, faults))


def test_where_there_was_nothing_there_is_nothing_or_all_of_the_backup(zygote: Zygote, postgresql: Server) -> None:
    with a_newer_one(zygote, "sqlite", postgresql) as seed:
        for file in seed.folder.glob("digest.db*"):
            file.unlink()
        with a_ground(zygote, seed, "smtp") as ground:
            counts = counted(ground, "restore", BACKUP)
            after = held(ground)
        faults = [one for one in choose("sqlite", counts) if one.startswith(("sqlite.pwrite", "sqlite.open", "commit"))]

        def trial(fault: str) -> Counter[str]:
            with a_ground(zygote, seed, "smtp") as ground:
                assert ground.run("restore", BACKUP, **KNOWINGLY, DIGEST_FAULT=fault) == KILLED, fault
                found = held(ground)
                assert found in ({}, after), f"{fault}: half of a restore"
                # Over what was restored it asks for --replace, as over anything else.
                assert ground.run("restore", BACKUP, **KNOWINGLY) == (3 if found else 0), f"{fault}: {ground.said()}"
                assert held(ground) == after, fault
                assert (ground.run("run", "--now", NOW, **KNOWINGLY), ground.count()) == (3, 0), fault
                return Counter(restored=int(bool(found)))

        say("sqlite", "into nothing", faults, at_once(trial, faults))


def counted(ground: Ground, *arguments: str) -> dict[str, int]:
    """How often a restore that nobody kills calls what."""
    counts = ground.folder / "counts.json"
    assert ground.run(*arguments, **KNOWINGLY, DIGEST_FAULT_COUNTS=str(counts)) == 0, ground.said()
    found: dict[str, int] = json.loads(counts.read_text(encoding="utf-8"))
    return found


def choose(store: str, counts: dict[str, int]) -> Iterator[str]:
    for name in CALLS[store]:
        yield from (f"{name}:{nth}:KILL" for nth in thinned(range(1, counts.get(name, 0) + 1), MOST))


def held(ground: Ground) -> Held:
    """Everything that the database holds; empty where there is none, or nothing in it."""
    if ground.database_url.startswith("sqlite") and not (ground.folder / "digest.db").exists():
        return {}
    store = Store(ground.database_url)
    try:
        with store.reading() as connection:
            there = inspect(connection).get_table_names()
        return {} if not there or is_empty(store) else rows(store)
    finally:
        store.close()


def kept_aside(ground: Ground) -> bool:
    """Whether what the database held before is in a backup that is whole."""
    (aside,) = ground.folder.glob("before-restore-*.backup")
    with TemporaryDirectory() as folder:
        return unseal(aside, Path(folder) / "kept").issues == 1


def say(store: str, where: str, faults: list[str], came_to: list[Counter[str]]) -> None:
    whole = sum(came_to, Counter[str]())["restored"]
    assert 0 < whole < len(faults), "a kill in time, or one too late, was never tried"
    tell(f"restores: {store}, {where}: killed {len(faults)} times, {whole} of them when it was all there")
