"""The sandbox that templates run in, and the filters they may use."""

from __future__ import annotations

from functools import cache

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from digest.rendering import speaking
from digest.rendering.columns import columns, wrap


@cache
def html_environment() -> ImmutableSandboxedEnvironment:
    """For the HTML that MJML made: escapes every value."""
    return _environment(autoescape=True, trim_blocks=False, lstrip_blocks=False)


@cache
def text_environment() -> ImmutableSandboxedEnvironment:
    """For plain text: escapes nothing; a line that holds only a tag leaves no line behind."""
    return _environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)


def _environment(**options: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0, **options)
    environment.globals.clear()
    environment.filters.update(
        wrap=wrap,
        columns=columns,
        bdi=speaking.isolate,
        date=speaking.write_date,
        link=speaking.link,
        links=speaking.links,
        listed=speaking.write_list,
        number=speaking.number_in,
        time=speaking.write_time,
    )
    for refused in ("safe", "center", "format", "indent", "pprint"):  # unescaped, or as large as the template asks
        environment.filters.pop(refused)
    return environment
