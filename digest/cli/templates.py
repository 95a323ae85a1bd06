"""`digest templates`: which there are, what is wrong with them, copies to edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, application
from digest.cli.output import print_json, say, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.app.templating import Checked, Listed

app = typer.Typer(help="The templates of mails.", no_args_is_help=True)


@app.command("list")
def list_all(config: Config = None, as_json: Json = False) -> None:
    """Every template and partial, and whence: shipped, copied, changed, or the project's own."""
    from digest.app import templating

    with application(config, prepared=False) as application_:
        templates, partials = templating.list_templates(application_), templating.list_partials(application_)
    if as_json:
        print_json({"templates": [_data(one) for one in templates], "partials": [_data(one) for one in partials]})
        return
    rows = [(file.file, file.whence, " ".join(listed.newsletters)) for listed in [*templates, *partials] for file in listed.files]
    table(("file", "whence", "newsletters"), rows)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME ...]", help="Which; by default all.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What is wrong with templates: MJML's tags and attributes, Jinja's names, a rendering of a specimen."""
    from digest.app import templating

    with application(config, prepared=False) as application_:
        checked = templating.check_templates(application_, names or [])
    if as_json:
        print_json([_findings(one) for one in checked])
    else:
        _tell(checked)
    raise typer.Exit(3 if any(one.errors for one in checked) else 0)


@app.command()
def copy(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A shipped template.")] = None,
    partial: Annotated[str | None, typer.Option("--partial", metavar="NAME", help="A shipped partial instead.")] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Where; by default the project's templates/.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy a shipped template, or one shipped partial, to edit. What is there already is kept."""
    from digest.app import templating

    with application(config, prepared=False) as application_:
        written = templating.copy_template(application_, name, partial, to, force=force)
    if as_json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        say(f"wrote {path}")


def _tell(checked: Sequence[Checked]) -> None:
    for one in checked:
        for mistake in one.mistakes:
            say(f"{mistake.severity}: {mistake}")
    for one in checked:
        warnings = len(one.mistakes) - one.errors
        counted = [f"{count} {what}{'' if count == 1 else 's'}" for count, what in ((one.errors, "error"), (warnings, "warning"))]
        say(f"{one.name}: {', '.join(counted) if one.mistakes else 'nothing to complain of'}")


def _data(listed: Listed) -> dict[str, Any]:
    files = [{"file": file.file, "whence": file.whence} for file in listed.files]
    return {"name": listed.name, "files": files, "newsletters": listed.newsletters}


def _findings(checked: Checked) -> dict[str, Any]:
    shown = ("severity", "file", "line", "column", "tag", "attribute", "what", "mend")
    return {
        "template": checked.name,
        "errors": checked.errors,
        "findings": [{name: getattr(mistake, name) for name in shown} for mistake in checked.mistakes],
    }
