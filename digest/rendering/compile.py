"""Compiling a template: MJML once, then Jinja once, both remembered by the template's hash."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial

import jinja2

from digest.errors import TemplateError
from digest.rendering.environment import html_environment, text_environment
from digest.rendering.lint import lint
from digest.rendering.mail_content import OWN_MAILS
from digest.rendering.markup import check_markup, without_remarks
from digest.rendering.memory import names_in_blocks
from digest.rendering.mistakes import mistake_at
from digest.rendering.names import BLOCKS, check_names
from digest.rendering.source import Source
from digest.rendering.templates import Template
from digest.rendering.trial import try_out

_LARGEST = 5_000_000
WRONG = (
    jinja2.TemplateError,
    ArithmeticError,
    AssertionError,  # Jinja's `truncate`, for one
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What Jinja, its filters and ours raise while a template runs."""

_POSITION = re.compile(r" at position (\d+)")
_BLOCK = re.compile(r"\{%\s*block\s+(\w+)(?:\s+scoped)?\s*%\}(.*?)\{%\s*endblock(?:\s+\w+)?\s*%\}", re.DOTALL)
_BEFORE = {
    "lead": "{% if lead is not none %}{% with article = lead %}{% block lead scoped %}",
    "section": "{% for section in sections %}{% block section scoped %}",
    "card": "{% for article in section.articles %}{% block card scoped %}",
}
_AFTER = {
    "lead": "{% endblock %}{% endwith %}{% endif %}",
    "section": "{% endblock %}",
    "card": "{% endblock %}{% endfor %}{% endfor %}",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to render: whole, or by its blocks opening, lead, section, card and closing; a mail of our own has none.

    The names are those that each block asks for.
    """

    template: Template
    html: jinja2.Template
    text: jinja2.Template
    names_in_html: Mapping[str, frozenset[str]]
    names_in_text: Mapping[str, frozenset[str]]


def compile_template(template: Template) -> Compiled:
    """Check and compile a template, or raise a TemplateError that names the file and the line."""
    return _compile(template)


@lru_cache(maxsize=32)
def _compile(template: Template) -> Compiled:
    tried = try_out(template)
    if tried.errors:
        raise TemplateError(tried.errors[0])
    return finish(template, tried.html)


def check(template: Template) -> Iterator[Callable[[], None]]:
    """The steps that look at a template's names and tags, each of which raises a TemplateError where something is wrong."""
    mjml = without_remarks(template.mjml)
    yield partial(check_names, mjml, html_environment(), template.name)
    yield partial(check_names, template.text, text_environment(), template.name)
    yield partial(check_markup, mjml)


def finish(template: Template, html: str) -> Compiled:
    """A template compiled from the HTML that MJML made of it."""
    made, said = html, template.text.text
    if template.name not in OWN_MAILS:
        made, said = with_control_flow(Source(template.mjml.file, html)), with_control_flow(template.text)
    of_html, of_text = html_environment(), text_environment()
    names = (names_in_blocks(of_html, made), names_in_blocks(of_text, said))
    return Compiled(template, of_html.from_string(made), of_text.from_string(said), *names)


def run_mjml(source: Source) -> str:
    """The HTML that MJML makes of a source. It may crash, and take the process with it."""
    from mjml import mjml2html

    try:
        html: str = mjml2html(source.text, fonts={})  # no font is fetched from a third party
    except ValueError as error:
        raise _blamed(source, str(error)) from error
    if len(html) > _LARGEST:
        raise TemplateError(f"{source.file}: MJML makes {len(html):,} characters of it: look for what grows with each tag")
    return html.replace(' height="auto"', "")  # no length in HTML; the style says it as well


def _blamed(source: Source, said: str) -> TemplateError:
    """What the compiler says, with the line: what our own check finds there, or else the compiler's place, in bytes."""
    errors = [mistake for mistake in lint(source) if mistake.severity == "error"]
    if errors:
        return errors[0].as_error()
    found = _POSITION.search(said)
    at = 0 if found is None else len(source.text.encode()[: int(found[1])].decode(errors="ignore"))
    return mistake_at(source, at, "MJML cannot read it", said).as_error()


def with_control_flow(source: Source) -> str:
    """A template with its blocks put into loops over lead, sections and cards, lines kept, as one Jinja template."""
    blocks = list(_BLOCK.finditer(source.text))
    if tuple(block[1] for block in blocks) != BLOCKS:
        raise TemplateError(
            f"{source.file}, line 1: write the tags of blocks plainly, as in {{% block card %}} and {{% endblock %}}"
        )
    pieces = ["{% block opening %}", source.text[: blocks[0].start()], "{% endblock %}"]
    end = blocks[0].start()
    for block in blocks:
        pieces += (_gap(source, end, block.start()), _BEFORE[block[1]], block[2], _AFTER[block[1]])
        end = block.end()
    return "".join([*pieces, "{% block closing %}", source.text[end:], "{% endblock %}"])


def _gap(source: Source, start: int, end: int) -> str:
    """What stands between two blocks: nothing but spaces and lines, kept as lines of a comment."""
    gap = source.text[start:end]
    if gap.strip():
        line = source.text.count("\n", 0, start) + 1
        raise TemplateError(f"{source.place(line)}: something stands between two blocks: only the blocks themselves are repeated")
    return "{#" + "\n" * gap.count("\n") + "#}" if gap else ""


@contextmanager
def blaming(source: Source) -> Iterator[None]:
    """Turn what goes wrong while a source's template runs into a TemplateError with the source's file and line."""
    try:
        yield
    except WRONG as error:
        said = str(error) or "it needs too much memory"
        raise TemplateError(f"{source.place(_line(source, said))}: {said}") from error


def _line(source: Source, message: str) -> int:
    """The first line with a Jinja tag that holds a name the message quotes; 1 when there is none."""
    for name in re.findall(r"'(\w+)'", message)[::-1]:
        tag = re.search(r"\{[{%](?:(?![%}]\}).)*\b" + re.escape(name) + r"\b", source.text, re.DOTALL)
        if tag:
            return source.text.count("\n", 0, tag.end()) + 1
    return 1
