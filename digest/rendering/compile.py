"""Compiling a template: MJML once, then Jinja once, both remembered by the template's hash."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import jinja2

from digest.errors import TemplateError
from digest.rendering.environment import html_environment, text_environment
from digest.rendering.mail_content import OWN_MAILS
from digest.rendering.markup import check_markup, without_remarks
from digest.rendering.names import BLOCKS, check_names
from digest.rendering.source import Source
from digest.rendering.templates import Template

_DEADLINE = 20.0
_CHILD = """
import sys
from mjml import mjml2html
try:
    html = mjml2html(sys.stdin.buffer.read().decode(), fonts={})  # no font is fetched from a third party
except ValueError as error:
    sys.exit(str(error))
sys.stdout.buffer.write(html.encode())
"""
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
    """A template ready to render: whole, or by its blocks opening, lead, section, card and closing; a mail of our own has none."""

    template: Template
    html: jinja2.Template
    text: jinja2.Template


def compile_template(template: Template) -> Compiled:
    """Check and compile a template, or raise a TemplateError that names the file and the line."""
    return _compile(template)


@lru_cache(maxsize=32)
def _compile(template: Template) -> Compiled:
    mjml = without_remarks(template.mjml)
    check_names(mjml, html_environment(), template.name)
    check_names(template.text, text_environment(), template.name)
    check_markup(mjml)
    made, said = run_mjml(mjml), template.text.text
    if template.name not in OWN_MAILS:
        made, said = with_control_flow(Source(mjml.file, made)), with_control_flow(template.text)
    return Compiled(template, html_environment().from_string(made), text_environment().from_string(said))


def run_mjml(source: Source) -> str:
    """The HTML that MJML makes of a source, made in a child process: a crash or a hang there stays there."""
    command = [sys.executable, "-I", "-c", _CHILD]
    try:
        child = subprocess.run(command, input=source.text.encode(), capture_output=True, timeout=_DEADLINE, check=False)  # noqa: S603  # our own program
    except subprocess.TimeoutExpired as error:
        raise TemplateError(
            f"{source.file}: MJML had not finished after {_DEADLINE:.0f} seconds: make the template simpler"
        ) from error
    if child.returncode < 0:
        raise TemplateError(f"{source.file}: MJML crashed on it (signal {-child.returncode}): look for very deep nesting")
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip().splitlines()
        raise TemplateError(f"{source.file}, line 1: MJML cannot read it: {said[-1] if said else 'it gives no reason'}")
    return child.stdout.decode()


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
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, MemoryError) as error:
        raise TemplateError(f"{source.place(_line(source, str(error)))}: {error}") from error


def _line(source: Source, message: str) -> int:
    """The first line with a Jinja tag that holds a name the message quotes; 1 when there is none."""
    for name in re.findall(r"'(\w+)'", message)[::-1]:
        tag = re.search(r"\{[{%](?:(?![%}]\}).)*\b" + re.escape(name) + r"\b", source.text, re.DOTALL)
        if tag:
            return source.text.count("\n", 0, tag.end()) + 1
    return 1
