"""`digest backup` and `restore`: all that a project keeps, in one file, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Config, Json, application
from digest.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from digest.app.restoring import Restored
    from digest.store.seal import Seal

_File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there yet.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the whole database into one file, as one moment saw it, also while others run and send. It holds people's addresses."""
    from digest.app import restoring

    with application(config, prepared=False) as app:
        made = restoring.backup(app, file)
    if as_json:
        print_json({"file": str(file), "bytes": file.stat().st_size, **asdict(made)})
    else:
        say(f"{file}: {_held(made)}, {file.stat().st_size:,} bytes; the secrets in .env are not in it")


def restore(
    file: _File,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the database holds something already, which is backed up first.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a backup in place of what the database holds, of either kind. Nothing is sent from it until a person says so."""
    from digest.app import restoring

    with application(config, prepared=False) as app:
        restored = restoring.restore(app, file, replace=replace)
    if as_json:
        print_json(asdict(restored) | {"kept": str(restored.kept) if restored.kept else None, "confirmed": False})
    else:
        _tell(restored)


def _held(seal: Seal) -> str:
    return f"{seal.subscribers:,} subscribers and {seal.issues:,} issues, at revision {seal.revision}"


def _tell(restored: Restored) -> None:
    seal = restored.seal
    say(f"restored what was backed up at {seal.made_at}: {_held(seal)}, from {seal.kind}")
    if restored.kept is not None:
        say(f"what the database held before is in {restored.kept}; who unsubscribed since the backup is known there alone")
    for one in restored.under_way:
        say(
            f"{one.issue} was {one.state}: {one.unsent:,} had not got it and of {one.unknown:,} nobody knew; what went out since would go"
            f" again: `digest issues cancel {one.issue}` keeps it from that"
        )
    if restored.letters:
        say(f"{restored.letters:,} letters waited, and will go out again")
    if restored.other_secret:
        warn(
            "this project's secret_key is not the one of the backup: links in mails that went out lead nowhere; put the former one into"
            " DIGEST_FORMER_SECRET_KEYS"
        )
    say("nothing is sent until a person says that this database is the one that sends: `digest doctor --confirm-epoch`")
