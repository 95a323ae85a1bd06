"""Everything that can be said of a template without an issue: what lint finds, what a trial comes to."""

from __future__ import annotations

from digest.errors import TemplateError
from digest.rendering.lint import lint
from digest.rendering.mistakes import Mistake, mistake_of_error
from digest.rendering.templates import Template
from digest.rendering.trial import try_out


def check_template(template: Template) -> list[Mistake]:
    """Every mistake, those of its MJML first and in their order; a mistake that two steps notice is told once."""
    found = lint(template.mjml)
    told = {str(mistake) for mistake in found}
    try:
        tried = try_out(template)
        errors = tried.errors + tried.stumbles
    except TemplateError as error:
        errors = (str(error),)
    return found + [mistake_of_error(template.mjml.file, error) for error in errors if error not in told]
