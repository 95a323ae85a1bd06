"""`digest templates preview`: templates on a page, in every width, in light and dark, in many languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import Config, Json, application
from digest.cli.output import print_json, say, warn


def preview(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which template.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every template there is.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where; by default outbox/templates.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show templates with invented issues: six widths, light and dark, many languages, titles of any length, no picture, one article
    or fifty. Writes pages to open in a browser."""
    from digest.app.showing import show_templates
    from digest.errors import UsageError

    if (name is None) != every:
        raise UsageError("which template? Give its NAME, or --all, and not both")
    with application(config, prepared=False) as application_:
        folder = out or application_.settings.project / "outbox" / "templates"
        gallery = show_templates(application_, [] if name is None else [name], folder)
    if as_json:
        print_json({"index": str(gallery.index), "mails": gallery.mails, "broken": gallery.broken})
    else:
        for wrong in gallery.broken:
            warn(wrong)
        say(f"{gallery.mails} mails; open {gallery.index}")
    raise typer.Exit(3 if gallery.broken else 0)


def register(app: typer.Typer) -> None:
    """Add the command to `digest templates`."""
    app.command()(preview)
