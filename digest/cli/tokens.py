"""`digest editor token`: tokens of other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import Config, Json, Now, actor, application
from digest.cli.output import print_json, say, table, warn

app = typer.Typer(help="Tokens that other programs show to the API.", no_args_is_help=True)


@app.command()
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which program it is for.")],
    scope: Annotated[
        list[str], typer.Option("--scope", metavar="SCOPE", help="What it may do, such as issues:read; may be repeated.")
    ],
    days: Annotated[int, typer.Option("--days", metavar="N", help="For how many days it holds, up to 366.")] = 90,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once. It belongs to the project, and holds until its end or until it is revoked."""
    from digest.app.granting import grant

    with application(config, now) as application_:
        made = grant(application_, name, scope, days, actor=actor())
    if as_json:
        scopes = sorted(made.token.scopes)
        print_json({"number": made.token.id, "token": made.secret, "scopes": scopes, "ends_at": made.token.ends_at})
        return
    say(made.secret)
    warn(f"token {made.token.id} holds until {made.token.ends_at:%Y-%m-%d %H:%M} UTC; it is shown this once, and kept nowhere")


@app.command("list")
def list_all(config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Every token there was, the newest first, without what is shown to the API."""
    from digest.app.granting import every

    with application(config, now) as application_:
        found = every(application_)
    if as_json:
        print_json(
            [
                {
                    "number": one.id,
                    "name": one.name,
                    "state": state,
                    "scopes": sorted(one.scopes),
                    "made_by": one.made_by,
                    "made_at": one.made_at,
                    "ends_at": one.ends_at,
                    "used_at": one.used_at,
                }
                for one, state in found
            ]
        )
        return
    rows = (
        (
            one.id,
            one.name,
            state,
            f"{one.ends_at:%Y-%m-%d}",
            "never" if one.used_at is None else f"{one.used_at:%Y-%m-%d %H:%M}",
            " ".join(sorted(one.scopes)),
        )
        for one, state in found
    )
    table(("number", "for", "state", "until", "last used", "may"), rows)


@app.command()
def revoke(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Its number in the list.")],
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """End a token for good, with its very next request."""
    from digest.app.granting import revoke as end

    with application(config, now) as application_:
        ended = end(application_, number, actor=actor())
    if as_json:
        print_json({"number": ended.id, "name": ended.name, "revoked": True})
        return
    say(f"token {ended.id} of {ended.name} is revoked")
