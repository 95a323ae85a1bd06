"""The whole of a template tried out: Jinja names, tags, MJML, and a rendering of a specimen.

It runs in a child process, since a template can crash MJML's compiler, and Jinja can be made to fill the memory or never
to end.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from digest.errors import TemplateError
from digest.rendering.confined import run_confined, stage
from digest.rendering.templates import Template

_CHILD = """
from digest.rendering.trial import child
child()
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """The HTML that MJML made of a template, and what is wrong with it: of each step and file the first.

    `errors` keep a template from being used. `stumbles` are what went wrong with a specimen alone: an issue's articles may have
    what its articles lack.
    """

    html: str
    errors: tuple[str, ...] = ()
    stumbles: tuple[str, ...] = ()


def try_out(template: Template) -> Trial:
    """What becomes of a template. `TemplateError` where it crashes the compiler, never ends or takes too much memory."""
    written = run_confined(_CHILD, pickle.dumps(template), template.mjml.file)
    tried: Trial = pickle.loads(written)  # noqa: S301  # our own child wrote it
    return tried


def child() -> None:
    """The program of the child: a template comes in, a trial goes out."""
    template = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  # our own parent wrote it
    sys.stdout.buffer.write(pickle.dumps(try_here(template)))


def try_here(template: Template) -> Trial:
    """The same within this process, which the template may take with it."""
    from digest.rendering.assemble import render_compiled
    from digest.rendering.compile import check, finish, run_mjml
    from digest.rendering.markup import without_remarks
    from digest.rendering.specimen import ARRANGEMENTS, CONTENT, PERSONAL

    stage("Jinja")
    errors = tuple(str(error) for step in check(template) for error in _errors(step))
    if errors:
        return Trial("", errors)
    try:
        stage("MJML")
        html = run_mjml(without_remarks(template.mjml))
        stage("Jinja")
        compiled = finish(template, html)
    except TemplateError as error:
        return Trial("", (str(error),))
    steps = [partial(render_compiled, compiled, CONTENT, arrangement, PERSONAL) for arrangement in ARRANGEMENTS]
    found = {str(error): isinstance(error.__cause__, (MemoryError, RecursionError)) for step in steps for error in _errors(step)}
    fatal = tuple(error for error, endless in found.items() if endless)
    return Trial(html, fatal, tuple(error for error in found if error not in fatal))


def _errors(step: Callable[[], object]) -> tuple[TemplateError, ...]:
    try:
        step()
    except TemplateError as error:
        return (error,)
    return ()
