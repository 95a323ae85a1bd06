"""Mails as files: a folder of .eml, and a Maildir that Python's own `mailbox` reads."""

from __future__ import annotations

import errno
import mailbox
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.providers import durable
from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.port import Provider, key_life
from digest.delivery.providers.registry import find_provider
from digest.rendering.mime import MessageBuilder
from digest.testing.provider_contract import Behaviour, ProviderContract, Trial, send, send_all
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings

both = pytest.mark.parametrize("name", ["eml", "maildir"])


def provider(name: str, project: Path) -> Provider:
    settings = some_settings(providers={name: {"path": "letters/here"}})
    return find_provider(name, settings.model_copy(update={"project": project}))


def files(project: Path) -> list[Path]:
    """Every mail there is, and nothing half-written."""
    return sorted(path for path in (project / "letters" / "here").rglob("*") if path.is_file())


class FolderContract(ProviderContract):
    name: str
    behaviours = frozenset({Behaviour.TAKES, Behaviour.OUT_OF_REACH})

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            if behaviour is Behaviour.OUT_OF_REACH:
                (project / "letters").write_text("a file where a folder should be")
            yield Trial(
                provider(self.name, project),
                arrived=lambda: [str(message_from_bytes(path.read_bytes())["To"]) for path in files(project)],
            )


class TestEml(FolderContract):
    name = "eml"


class TestMaildir(FolderContract):
    name = "maildir"


@both
def test_a_file_holds_what_smtp_would_carry_and_is_its_owners_alone(name: str, tmp_path: Path) -> None:
    assert send(provider(name, tmp_path), envelopes(1)).outcomes == (Outcome.ACCEPTED,)
    (path,) = files(tmp_path)
    assert path.read_bytes() == MessageBuilder(a_rendition()).build(an_envelope(), DATE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@both
def test_a_mail_that_is_written_again_is_the_same_file(name: str, tmp_path: Path) -> None:
    send_all(provider(name, tmp_path), envelopes(3), times=2)
    assert len(files(tmp_path)) == 3


@both
def test_a_description_names_the_files(name: str, tmp_path: Path) -> None:
    described = [entry["file"] for entry in provider(name, tmp_path).describe(a_rendition(), envelopes(3), DATE)]
    assert files(tmp_path) == []
    send(provider(name, tmp_path), envelopes(3))
    assert described == [str(path.relative_to(tmp_path)) for path in files(tmp_path)]


def test_a_maildir_is_one_that_mail_programs_read(tmp_path: Path) -> None:
    send(provider("maildir", tmp_path), envelopes(3))
    box = mailbox.Maildir(tmp_path / "letters" / "here", create=False)
    assert {str(message["To"]) for message in box} == {f"reader{number}@example.com" for number in (1, 2, 3)}


@both
def test_neither_claims_to_know_a_delivery_again(name: str, tmp_path: Path) -> None:
    assert not key_life(provider(name, tmp_path))


@both
def test_a_disk_that_becomes_full_leaves_what_is_there_and_nothing_half(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    send(provider(name, tmp_path), [])
    durable.make_folder(tmp_path / "letters" / "here" / "tmp")
    for folder in ("cur", "new"):
        durable.make_folder(tmp_path / "letters" / "here" / folder)

    def sync(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", sync)
    answer = send(provider(name, tmp_path), envelopes(4))
    assert answer.outcomes == (Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.DEFERRED)
    assert (answer.trouble, answer.text.endswith("here: No space left on device")) == (Trouble.CONNECTION, name == "eml")
    assert len(files(tmp_path)) == 2


@both
def test_each_mail_and_then_its_folder_is_made_to_last_before_it_is_accepted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    send(provider(name, tmp_path), [an_envelope(9)])
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append("folder" if is_folder(descriptor) else "mail"))
    send(provider(name, tmp_path), envelopes(3))
    assert synced == ["mail", "mail", "mail", "folder"]


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


@both
def test_where_the_folder_cannot_be_made_to_last_nobody_knows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("digest.delivery.providers.folder.settle", fails)
    answer = send(provider(name, tmp_path), envelopes(2))
    assert (answer.outcomes, answer.trouble) == ((Outcome.UNKNOWN,) * 2, None)


@both
def test_one_that_cannot_be_written_is_the_contents_trouble_and_what_came_before_it_stays(name: str, tmp_path: Path) -> None:
    first, second = envelopes(2)
    answer = send(provider(name, tmp_path), [first, replace(second, delivery_id="../evil")])
    assert (answer.outcomes, answer.trouble) == ((Outcome.ACCEPTED, Outcome.DEFERRED), Trouble.CONTENT)


def test_a_write_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"half of a lon")
    durable.write_whole(b"whole", tmp_path / "part", tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_bytes() == b"whole"
