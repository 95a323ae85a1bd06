"""The commands, gathered. Each one imports what it needs when it is called, so that `--help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest import __version__
from digest.cli import (
    articles,
    configuration,
    covering,
    doctoring,
    editors,
    events,
    halting,
    insights,
    issues,
    moving,
    pausing,
    projects,
    restoring,
    returned_mail,
    scheduling,
    sending,
    serving,
    simulating,
    status,
    subscribers,
    suppressions,
    templates,
    templates_preview,
    working,
)
from digest.cli.options import remember_config
from digest.cli.output import say

app = typer.Typer(
    name="digest",
    help="Builds a newsletter digest from new and featured articles, and sends every subscriber their part of it, once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"digest {__version__}")
        raise typer.Exit


@app.callback()
def root(
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    remember_config(config)


projects.register(app)
sending.register(app)
serving.register(app)
scheduling.register(app)
working.register(app)
halting.register(app)
insights.register(app)
simulating.register(app)
doctoring.register(app)
restoring.register(app)
status.register(app)
covering.register(articles.app)
moving.register(subscribers.app)
pausing.register(subscribers.app)
templates_preview.register(templates.app)
returned_mail.register(events.app)
app.add_typer(articles.app, name="articles")
app.add_typer(editors.app, name="editor")
app.add_typer(events.app, name="events")
app.add_typer(issues.app, name="issues")
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(templates.app, name="templates")
app.add_typer(configuration.app, name="config")
