"""Checks of the template's MJML: what the compiler makes something else of without a word."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.rendering.lint import lint
from digest.rendering.mistakes import Mistake, Severity


def template_mistaken(mail: Mail) -> Iterator[Fault]:
    """Its template has no tag, attribute or value that MJML does not know, and nothing that its compiler spoils."""
    return _mistakes(mail, "error")


def template_doubtful(mail: Mail) -> Iterator[Fault]:
    """Its template has nothing that the compiler leaves out, or that makes a worse mail."""
    return _mistakes(mail, "warning")


def _mistakes(mail: Mail, severity: Severity) -> Iterator[Fault]:
    found = lint(mail.template) if mail.template is not None else ()
    return (Fault(_where(mistake), mistake.what, mistake.mend or "mend it") for mistake in found if mistake.severity == severity)


def _where(mistake: Mistake) -> str:
    return mistake.file if mistake.line is None else f"{mistake.file}, line {mistake.line}"
