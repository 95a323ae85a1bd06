"""`digest doctor`: whether a project, its sender's domain and its pages are well."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Config, Json, Now, application
from digest.cli.output import print_json, say, table

if TYPE_CHECKING:
    from digest.checks.finding import Finding

_WORDS = {"error": "BAD", "warning": "warn", "note": "note", "ok": "ok "}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(doctor)


def doctor(
    confirm_epoch: Annotated[
        bool, typer.Option("--confirm-epoch", help="Say that this database, restored or moved, is the one that sends.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Look at this machine alone; ask no name server and nobody else.")
    ] = False,
    nameserver: Annotated[
        str | None,
        typer.Option("--nameserver", metavar="ADDRESS[:PORT]", help="The name server to ask; by default the system's."),
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Ask public_url also where it leads to a private address.")
    ] = False,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Look at everything a run needs, the sender's domain, the relay and the public pages, and say what is wrong."""
    from digest.app import doctoring, examining
    from digest.app.name_server import read_server

    wanted = doctoring.Wanted(offline, None if nameserver is None else read_server(nameserver), allow_private)
    with application(config, now, prepared=confirm_epoch) as app:
        if confirm_epoch:
            examining.confirm_epoch(app)
        found = doctoring.diagnose(app, wanted)
    if as_json:
        print_json([{"severity": one.severity, "where": one.where, "what": one.what, "mend": one.mend} for one in found])
    else:
        _tell(found)
    if code := doctoring.exit_code(found):
        raise typer.Exit(code)


def _tell(found: list[Finding]) -> None:
    """A table and a sum on a terminal, a line each elsewhere."""
    if not sys.stdout.isatty():
        for one in found:
            say(f"{_WORDS[one.severity]} {one}")
        return
    table(("", "where", "what", "how to mend"), ((_WORDS[one.severity], one.where, one.what, one.mend) for one in found))
    counts = Counter(one.severity.value for one in found)
    said = [f"{counts[word]} {word}{'' if counts[word] == 1 else 's'}" for word in ("error", "warning", "note") if counts[word]]
    say(", ".join(said) or "all is well")
