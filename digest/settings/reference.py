"""The reference of all settings, as Markdown made from the model: `python -m digest.settings.reference > docs/reference/settings.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from inspect import cleandoc
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel, SecretStr
from pydantic.fields import FieldInfo

from digest.settings import bounces, types
from digest.settings.database_url import DatabaseUrl
from digest.settings.model import Settings
from digest.settings.newsletter import Schedule
from digest.settings.variables import NOT_CONFIGURED, variable_of

_HEAD = """
# Settings

Made from the code by `make reference`; do not edit. How the values are found is told in [config/README.md](../../config/README.md),
what they mean together in the sample, [config/digest.toml](../../config/digest.toml).

Where a value is given twice, the first of these wins: the environment, `.env` in the project folder, the secrets folder (one file for
each variable, named like it; `DIGEST_SECRETS_DIR`, by default `secrets/` in the project folder), the file. The file is `--config FILE`,
`DIGEST_CONFIG`, or `config/digest.toml` under the current folder. The project folder is the one that holds `config/`; for a file
elsewhere, the file's own. Relative paths start there.

In a variable, lists and tables are JSON, entries of lists have numbers from 0, and an empty one counts as not set. Unknown keys
and unknown `DIGEST_` variables are errors. Secrets may not stand in the file.
"""

_KINDS: list[tuple[Any, str]] = [
    (types.Duration, "duration"),
    (types.Tags, "list of: text, or a rule such as `python and not career`"),
    (Schedule, "cron, or a table of crons"),
    (types.Zone, "IANA time zone"),
    (types.Address, "e-mail address"),
    (bounces.BounceBase, "e-mail address"),
    (types.Colour, "colour `#rrggbb`"),
    (types.Fonts, "list of fonts"),
    (types.Slug, "slug"),
    (types.Frequency, "frequency"),
    (types.Order, " or ".join(f"`{order}`" for order in types.Order)),
    (types.Language, "language tag"),
    (types.TemplateName, "template name"),
    (types.WebAddress, "web address"),
    (types.BaseAddress, "web address"),
    (DatabaseUrl, "database URL"),
    (types.Whole, "whole number"),
    (types.Number, "number"),
    (SecretStr, "**secret**"),
    (AwareDatetime, "time with zone"),
    (types.FilePath, "path"),
    (int, "whole number"),
    (float, "number"),
    (bool, "true or false"),
    (str, "text"),
    (types.Domain, "domain"),
    (types.Line, "text"),
    (types.Lines, "text"),
    (types.Tag, "text"),
]


def reference() -> str:
    """The whole page."""
    return "\n".join([cleandoc(_HEAD), "", *_page(Settings, "", ()), *_words()]) + "\n"


def _page(model: type[BaseModel], heading: str, path: tuple[str, ...]) -> Iterator[str]:
    hints = get_type_hints(model, include_extras=True)
    plain = {
        name: field
        for name, field in model.model_fields.items()
        if not _tables(field.annotation) and (path or name not in NOT_CONFIGURED)
    }
    yield from (f"## {heading or 'At the top'}", "", cleandoc(model.__doc__ or ""), "")
    if plain:
        yield from ("| key | kind | default | variable | meaning |", "|---|---|---|---|---|")
        yield from (_row(name, field, hints[name], path) for name, field in plain.items())
        yield ""
    for name, field in model.model_fields.items():
        for table, below, title in _below(name, field.annotation, path):
            yield from _page(table, title, below)


def _row(name: str, field: FieldInfo, hint: Any, path: tuple[str, ...]) -> str:
    cells = (f"`{name}`", _kind(hint), _default(field), f"`{variable_of((*path, name))}`", field.description or "")
    return f"| {' | '.join(_cell(text) for text in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=False)
    if value is None or value in ((), {}) or field.default_factory is dict:
        return "none"
    if isinstance(value, timedelta):
        value = types.format_duration(value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(hint: Any) -> str:
    for known, word in _KINDS:
        if hint == known:
            return word
    arguments = [argument for argument in get_args(hint) if argument not in (type(None), Ellipsis)]
    if get_origin(hint) is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if get_origin(hint) is tuple:
        return f"list of: {_kind(arguments[0])}"
    if get_origin(hint) is dict:
        return f"table of: {_kind(arguments[1])}, by {_kind(arguments[0])}"
    if get_origin(hint) in {Union, UnionType} or hasattr(hint, "__metadata__"):
        return _kind(arguments[0])
    raise TypeError(f"the reference has no word for {hint!r}: add one to _KINDS")


def _tables(annotation: Any) -> type[BaseModel] | None:
    """The table that a key holds, alone, in a list, or by name."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _below(name: str, annotation: Any, path: tuple[str, ...]) -> Iterator[tuple[type[BaseModel], tuple[str, ...], str]]:
    table = _tables(annotation)
    if table is None:
        return
    inside = [part for part in path if part != "0"]
    if get_origin(annotation) is tuple:
        yield table, (*path, name, "0"), f"`[[{'.'.join([*inside, name])}]]`"
    elif get_origin(annotation) is dict:
        yield table, (*path, name, "SLUG"), f"`[{'.'.join([*inside, name])}.SLUG]`"
    else:
        yield table, (*path, name), f"`[{'.'.join([*inside, name])}]`"


def _words() -> Iterator[str]:
    yield from ("## Kinds", "")
    yield "- A duration is a number and a unit: `30s`, `10m`, `36h`, `7d`, `2w`."
    yield "- A cron has five fields: minute, hour, day of the month, month, weekday. A lone one is monthly when it names days of the month,"
    yield '  else weekly when it names weekdays, else daily; a table says it: `{ daily = "0 7 * * *", weekly = "0 9 * * 1" }`.'
    yield "- A slug has lower-case letters, digits and single hyphens, at most 64."
    yield "- An e-mail address is kept in lower case, its domain in A-labels; the part before the @-sign must be ASCII."
    yield "- A plugin of `digest.providers` is configured by a table of its name, `[providers.NAME]`; of it, keys that end in `password`,"
    yield "  `secret`, `token` or `key` are secrets."


if __name__ == "__main__":
    sys.stdout.write(reference())
