"""`digest suppressions`: addresses that must not be mailed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, Now, actor, application
from digest.cli.output import print_json, say, table

if TYPE_CHECKING:
    from digest.app import App
    from digest.audience.suppression import Suppressed

app = typer.Typer(help="Addresses that must not be mailed.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
Scope = Annotated[
    str | None,
    typer.Option("--scope", metavar="SCOPE", help="A newsletter's slug, or `*` for everything."),
]


@app.command("list")
def list_all(scope: Scope = None, config: Config = None, as_json: Json = False) -> None:
    """Every one of an address that is known, by address, and how many there are of people who were erased."""
    from digest.audience.suppression import count, list_suppressions

    with application(config) as application_, application_.store.reading() as connection:
        clear, erased = count(connection)
        listed = list_suppressions(connection, scope)
        if as_json:
            print_json({"suppressions": [_data(one) for one in listed], "erased": erased})
            return
        rows = ((one.address, one.scope, one.reason, one.source, f"{one.created_at:%Y-%m-%d %H:%M} UTC") for one in listed)
        table(("address", "scope", "reason", "source", "since"), rows)
        say(f"{clear:,} suppressions, and {erased:,} of people who were erased, by a hash alone")


@app.command()
def add(
    email: Email,
    scope: Scope = None,
    reason: Annotated[str, typer.Option("--reason", help="A few words, at most 32 characters.")] = "by hand",
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Keep an address from being mailed, by default for everything. What is there already stays as it is."""
    from digest.audience.suppression import EVERYTHING, suppress
    from digest.errors import UsageError

    said = " ".join(reason.split())
    if not 0 < len(said) <= 32:
        raise UsageError(f"--reason has {len(said)} characters: write 1 to 32")
    with application(config, now) as application_:
        found = _scope(application_, scope) or EVERYTHING
        with application_.store.writing() as connection:
            new = suppress(connection, email, found, reason=said, source="command line", now=application_.now)
    if as_json:
        print_json({"email": email, "scope": found, "new": new})
        return
    say(f"{email}: {'suppressed' if new else 'was suppressed already'} for {_words(found)}")


@app.command("lift")
def lift_one(
    email: Email,
    reason: Annotated[str, typer.Option("--reason", help="Why they may be mailed again; kept.")],
    scope: Scope = None,
    though_they_complained: Annotated[
        bool, typer.Option("--though-they-complained", help="They called a mail spam, and asked you since to write again.")
    ] = False,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Let an address be mailed again. What bounced is owed to them, as far as it has not expired."""
    from digest.app.lifting import lift
    from digest.errors import UsageError

    if not reason.strip():
        raise UsageError("--reason is empty: say why they may be mailed again")
    with application(config, now) as application_:
        done = lift(application_, email, scope, why=reason.strip(), actor=actor(), though_they_complained=though_they_complained)
    if as_json:
        print_json({"email": email, "lifted": [_data(one) for one in done.lifted], "owed": done.owed})
        return
    for one in done.lifted:
        say(
            f"{email}: may be mailed again for {_words(one.scope)}; it was suppressed since {one.created_at:%Y-%m-%d} ({one.reason})"
        )
    if done.owed:
        say(
            f"{done.owed:,} {'article' if done.owed == 1 else 'articles'} of mails that bounced {'is' if done.owed == 1 else 'are'} owed to them"
        )


def _scope(application_: App, scope: str | None) -> str | None:
    """A scope that the configuration knows."""
    return scope if scope in (None, "*") else application_.newsletter(scope).slug


def _words(scope: str) -> str:
    return "everything" if scope == "*" else scope


def _data(one: Suppressed) -> dict[str, Any]:
    return {name: getattr(one, name) for name in type(one).__slots__}
