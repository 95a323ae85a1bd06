"""`digest config`: what is configured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import Config, Json, application
from digest.cli.output import print_json, say, table, warn

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


@app.command()
def opml(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The list of feeds that a feed reader exported.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the feeds of an OPML file as [[sources]] tables, to paste into the configuration. Changes nothing."""
    from digest.catalogue.opml import read_opml

    with application(config, prepared=False) as application_:
        sources = application_.settings.sources
        urls = [source.url for source in sources if source.url is not None]
        found = read_opml(file, names=[source.name for source in sources], urls=urls)
    if as_json:
        feeds = [{"name": feed.name, "kind": "feed", "url": feed.url, "tags": feed.tags} for feed in found.feeds]
        print_json({"sources": feeds, "left_out": found.remarks})
        return
    for feed in found.feeds:
        for line in feed.table().split("\n"):
            say(line)
    for remark in found.remarks:
        warn(remark)
