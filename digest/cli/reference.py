"""The reference of the command line, made from the commands themselves: `python -m digest.cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from digest.cli.commands import app

_HEAD = """\
# Commands

Made from the code by `make reference`; do not edit it by hand. Every command that works on a project takes `--config FILE`, which may
also stand before the command's name. Tables and progress bars appear on a terminal; elsewhere there are plain lines.

| exit code | means |
|---|---|
| 0 | done; also when an issue now waits for an approval, or nothing was due |
| 1 | done, but some deliveries were rejected, deferred or are unknown, a source failed, or something is left to do |
| 2 | wrong usage or configuration: one line names the key and the file |
| 3 | refused: not approved, checks failed, paused, waiting for a person |
| 4 | something else runs it just now |
| 5 | the store, the provider or every source is out of reach |
| 75 | `events mail` alone: not now; a mail system keeps the mail and tries again |
"""


def reference() -> str:
    """The whole page, as Markdown."""
    return _HEAD + "".join(_command(command, name) for name, command in _commands(typer.main.get_command(app), "digest"))


def names() -> set[str]:
    """The name of every command, without `digest`: such as `issues draft`."""
    return {name.removeprefix("digest ") for name, _ in _commands(typer.main.get_command(app), "digest")}


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child in children:
        yield from _commands(children[child], f"{name} {child}")


def _command(command: Any, name: str) -> str:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [
        parameter for parameter in command.params if parameter.param_type_name == "option" and "--help" not in parameter.opts
    ]
    signature = " ".join([name, *(_argument(argument) for argument in arguments)])
    lines = ["", f"## `{signature}`", "", (command.help or "").strip(), ""]
    rows = [(_argument(argument), argument) for argument in arguments] + [(_option(option), option) for option in options]
    told = [
        f"| `{shown}` | {_default(parameter)} | {(getattr(parameter, 'help', None) or '').strip()} |" for shown, parameter in rows
    ]
    return "\n".join([*lines, *(["| | default | |", "|---|---|---|", *told, ""] if told else [])])


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    name = name.strip("[]")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    shown = " / ".join([*option.opts, *option.secondary_opts])
    return shown if option.is_flag else f"{shown} {_value(option)}"


def _value(option: Any) -> str:
    """What stands after an option: one of a few words where only those are taken, or else a name for it."""
    kind = getattr(option, "type_descriptor", None) or getattr(option, "type", None)  # Typer's, or Click's in an older Typer
    choices = getattr(kind, "choices", None) or ()
    words = "\\|".join(str(getattr(choice, "value", choice)) for choice in choices)  # escaped: it stands in a table
    return words or option.metavar or option.opts[0].lstrip("-").upper()


def _default(parameter: Any) -> str:
    """What holds when it is not given; nothing where that is nothing."""
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False) and parameter.secondary_opts:
        return f"`{(parameter.opts if parameter.default else parameter.secondary_opts)[0]}`"
    return f"`{parameter.default}`" if parameter.default not in (None, False, "", ()) else ""


if __name__ == "__main__":
    sys.stdout.write(reference())
