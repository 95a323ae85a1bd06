"""`digest config`: what is configured."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from digest.cli.options import Config, Json, application
from digest.cli.output import print_json, say, table

app = typer.Typer(help="What is configured.", no_args_is_help=True)


@app.command()
def show(config: Config = None, as_json: Json = False) -> None:
    """Every value in force and where it came from; secrets are masked."""
    from digest.settings.showing import show as shown

    with application(config, prepared=False) as application_:
        values = shown(application_.settings)
    if as_json:
        print_json(values)
    else:
        table(("key", "value", "from"), ((key, value["value"], value["origin"]) for key, value in values.items()))


@app.command()
def check(config: Config = None, as_json: Json = False) -> None:
    """Read everything, provider and sources included, and say whether it is right."""
    from digest.catalogue.registry import open_sources

    with application(config, prepared=False) as application_:
        application_.provider()
        open_sources(application_.settings.sources, application_.source_context())
        project = application_.settings.project
    if as_json:
        print_json({"right": True, "project": str(project)})
        return
    shown = os.path.relpath(project)
    say(f"the configuration of {Path(shown) if shown != '.' else 'this project'} is right")


@app.command()
def schema() -> None:
    """The JSON Schema of config/digest.toml."""
    from digest.settings.showing import schema as described

    print_json(described())
