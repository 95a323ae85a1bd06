"""`digest editor`: who works at the desk."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import tokens
from digest.cli.options import Config, Json, Now, actor, application
from digest.cli.output import print_json, say

app = typer.Typer(help="Who works at the desk.", no_args_is_help=True)
app.add_typer(tokens.app, name="token")


@app.callback()
def root() -> None:
    """Who works at the desk."""


@app.command()
def link(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Print a link that lets an editor in, once, within fifteen minutes: for the first time, or when mail is down."""
    from digest.app.signing_in import make_link

    with application(config, now) as application_:
        url = make_link(application_, email, actor())
    if as_json:
        print_json({"email": email, "url": url, "minutes": 15})
        return
    say(url)
