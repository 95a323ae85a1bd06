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
from typing import TYPE_CHECKING

from digest.errors import TemplateError
from digest.rendering.confined import run_confined, stage
from digest.rendering.templates import Template

if TYPE_CHECKING:
    from digest.rendering.compile import Compiled

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
    from digest.rendering.compile import check, finish, run_mjml
    from digest.rendering.markup import without_remarks

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
    errors_of = (error for step in _renderings(compiled) for error in _errors(step))
    found = {str(error): isinstance(error.__cause__, (MemoryError, RecursionError)) for error in errors_of}
    fatal = tuple(error for error, endless in found.items() if endless)
    return Trial(html, fatal, tuple(error for error in found if error not in fatal))


def _renderings(compiled: Compiled) -> list[Callable[[], object]]:
    from digest.rendering.mail_content import OWN_MAILS
    from digest.rendering.own_mails import render_own
    from digest.rendering.render import render_compiled
    from digest.rendering.specimen import ARRANGEMENTS, CONTENT, CONTENTS, MAILS, PERSONAL

    name = compiled.template.name
    if name in OWN_MAILS:
        mail = next(mail for mail in MAILS if isinstance(mail, OWN_MAILS[name]))
        return [partial(render_own, compiled, mail, language="en", site=CONTENT.site, theme=None)]
    return [
        partial(render_compiled, compiled, content, arrangement, PERSONAL)
        for content, arrangement in zip(CONTENTS, ARRANGEMENTS, strict=True)
    ]


def _errors(step: Callable[[], object]) -> tuple[TemplateError, ...]:
    try:
        step()
    except TemplateError as error:
        return (error,)
    return ()
