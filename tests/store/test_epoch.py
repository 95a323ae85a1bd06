"""The send epoch: two places that agree, whatever dies between two writes; and that do not, for every copy."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from digest.errors import Refused, Unreachable
from digest.store import epoch as module
from digest.store.database import Store
from digest.store.epoch import Record, SendEpoch, disagreement, mark_restored, parse
from tests.databases import Databases, Server

FILE = Path("digest.db.epoch")


@pytest.fixture
def epoch(tmp_path: Path) -> Iterator[SendEpoch]:
    store = Store(f"sqlite:///{tmp_path / 'digest.db'}")
    store.prepare()
    yield SendEpoch(store, tmp_path / FILE)
    store.close()


def record(token: str | None, following: str | None = None) -> Record:
    return Record(token, following, 1, "m")


@pytest.mark.parametrize(
    ("stored", "found", "said"),
    [
        (None, None, None),
        ("a", record("a"), None),
        ("a", record("a", "b"), None),
        ("b", record("a", "b"), None),
        (None, record(None, "b"), None),
        ("a", None, "is missing"),
        (None, record("a"), "not the one that sent last"),
        (None, record("a", "b"), "not the one that sent last"),
        ("a", record("b"), "not the one that sent last"),
        ("a", record("b", "c"), "not the one that sent last"),
    ],
)
def test_the_places_agree_or_it_is_said_why_not(stored: str | None, found: Record | None, said: str | None) -> None:
    wrong = disagreement(stored, found, FILE)
    assert (wrong is None) == (said is None)
    assert said is None or (wrong is not None and said in wrong and "--confirm-epoch" in wrong)


def test_an_advance_makes_every_older_copy_of_either_place_an_old_one(epoch: SendEpoch, tmp_path: Path) -> None:
    assert epoch.obstacle() is None
    assert epoch.file is not None
    epoch.advance()
    assert epoch.obstacle() is None
    epoch.store.close()
    shutil.copy(tmp_path / "digest.db", tmp_path / "backup.db")
    epoch.advance()
    assert epoch.obstacle() is None
    restored = SendEpoch(Store(f"sqlite:///{tmp_path / 'backup.db'}"), epoch.file)
    assert "restored, copied or made anew" in (restored.obstacle() or "")
    restored.confirm()  # what a person's word does
    assert restored.obstacle() is None
    assert epoch.obstacle() is not None
    restored.store.close()


def test_a_file_that_was_copied_or_comes_from_another_machine_says_so(epoch: SendEpoch, tmp_path: Path) -> None:
    epoch.advance()
    assert epoch.file is not None
    shutil.copy2(epoch.file, tmp_path / "copy.epoch")
    assert "is a copy" in (SendEpoch(epoch.store, tmp_path / "copy.epoch").obstacle() or "")
    with mock.patch.object(module, "this_machine", return_value="another"):
        assert "another machine" in (epoch.obstacle() or "")
    epoch.file.rename(tmp_path / "moved.epoch")
    assert SendEpoch(epoch.store, tmp_path / "moved.epoch").obstacle() is None
    assert "is missing" in (epoch.obstacle() or "")


def test_a_file_that_machines_share_is_known_by_its_inode_alone(epoch: SendEpoch, tmp_path: Path) -> None:
    epoch.advance()
    one = replace(epoch, shared=True)
    assert one.file is not None
    for machine in ("another", "a third"):
        with mock.patch.object(module, "this_machine", return_value=machine):
            assert one.obstacle() is None
            one.advance()
    assert one.obstacle() is None
    shutil.copy2(one.file, tmp_path / "copy.epoch")
    assert "is a copy" in (replace(one, file=tmp_path / "copy.epoch").obstacle() or "")


def test_who_looks_while_others_advance_is_told_of_no_copy(epoch: SendEpoch) -> None:
    """The file is replaced between each of the looks at it and at the database."""
    epoch.advance()
    stored, calls = SendEpoch._stored, 0

    def meanwhile(self: SendEpoch) -> str | None:
        nonlocal calls
        calls += 1
        if calls in {1, 2}:
            with mock.patch.object(SendEpoch, "_stored", stored):
                epoch.advance()
        return stored(self)

    with mock.patch.object(SendEpoch, "_stored", meanwhile):
        assert epoch.obstacle() is None
    assert calls == 3


def test_a_place_that_was_put_back_meanwhile_is_not_made_the_one_that_sends(epoch: SendEpoch) -> None:
    epoch.advance()
    assert epoch.file is not None
    before = epoch.file.read_bytes()
    with epoch.store.writing() as connection:
        mark_restored(connection)
    with pytest.raises(Refused, match="was restored from a backup"):
        epoch.advance()
    assert epoch.file.read_bytes() == before
    with pytest.raises(Refused, match="was restored from a backup"):
        replace(epoch, file=None).advance()
    epoch.confirm()
    assert epoch.obstacle() is None


def test_workers_advance_one_after_another(postgresql: Server, database: Databases, tmp_path: Path) -> None:
    url = database.url(tmp_path)
    stores = [Store(url) for _ in range(3)]

    def work(store: Store) -> None:
        mine = SendEpoch(store, tmp_path / "shared.epoch", shared=True)
        for _ in range(10):
            assert mine.obstacle() is None
            mine.advance()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, stores))
    assert SendEpoch(stores[0], tmp_path / "shared.epoch", shared=True).obstacle() is None
    for store in stores:
        store.close()


def test_a_machine_that_cannot_be_told_just_now_is_not_taken_for_another(epoch: SendEpoch) -> None:
    epoch.advance()
    with mock.patch.object(module, "_MACHINE") as machine:
        machine.read_bytes.side_effect = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        with pytest.raises(Unreachable, match="cannot be read: Too many open files"):
            epoch.obstacle()
        with pytest.raises(Unreachable, match="cannot be read: Too many open files"):
            epoch.advance()
        with pytest.raises(Unreachable, match="cannot be written: Too many open files"):
            epoch.confirm()
    assert epoch.obstacle() is None
    epoch.advance()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"{}", b'{"token": 1, "next": null, "inode": 1, "machine": ""}', b"\xff"]
)
def test_a_file_that_is_damaged_is_said_to_be(epoch: SendEpoch, content: bytes) -> None:
    assert parse(content) is None
    assert epoch.file is not None
    epoch.file.write_bytes(content)
    assert "damaged" in (epoch.obstacle() or "")


class Died(Exception):
    """The process ends here."""


@pytest.mark.parametrize("nth", range(1, 18))
def test_a_death_between_two_writes_blocks_nothing(epoch: SendEpoch, nth: int) -> None:
    epoch.advance()
    calls = 0

    def deadly(original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls == nth:
                raise Died
            return original(*arguments, **named)

        return call

    with ExitStack() as stack:
        for owner, name in ((os, "open"), (os, "write"), (os, "fsync"), (os, "close"), (Path, "replace")):
            stack.enter_context(mock.patch.object(owner, name, deadly(getattr(owner, name))))
        try:
            epoch.advance()
        except Died:
            pass
        else:
            assert calls < nth, "the last call is known"
    assert epoch.obstacle() is None
    epoch.advance()
    assert epoch.obstacle() is None


def test_without_a_second_place_nothing_is_asked(epoch: SendEpoch) -> None:
    knowingly = SendEpoch(epoch.store, None)
    epoch.advance()
    knowingly.advance()
    assert knowingly.obstacle() is None


def test_a_place_that_cannot_be_written_is_one_plain_error(epoch: SendEpoch, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"cannot be written: .*database\.epoch"):
        SendEpoch(epoch.store, tmp_path / "nowhere" / "digest.epoch").advance()
    (tmp_path / "folder.epoch").mkdir()
    with pytest.raises(Unreachable, match="cannot be read"):
        SendEpoch(epoch.store, tmp_path / "folder.epoch").obstacle()
