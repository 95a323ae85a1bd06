"""The mails that Digest sends by itself: confirm, welcome, sign-in, issue-ready. They look like the issues they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from digest.languages import Words
from digest.rendering.cleaning import one_line, web_address
from digest.rendering.compile import Compiled, blaming, compile_template
from digest.rendering.content import SiteContent, ThemeContent
from digest.rendering.context import names_of_a_site
from digest.rendering.mail_content import OWN_MAILS, Confirm, IssueReady, OwnMail, SignIn, Welcome
from digest.rendering.templates import load_template


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """One mail, both its parts, and its subject on one line."""

    subject: str
    html: str
    text: str


def render_mail(
    mail: OwnMail, *, language: str, site: SiteContent, theme: ThemeContent | None, folders: Sequence[Path]
) -> RenderedMail:
    """A mail of Digest's own in a language, by its template; a broken one is a TemplateError with file and line."""
    name = next(name for name, kind in OWN_MAILS.items() if isinstance(mail, kind))
    template = load_template(name, folders)
    return render_own(compile_template(template), mail, language=language, site=site, theme=theme)


def render_own(
    compiled: Compiled, mail: OwnMail, *, language: str, site: SiteContent, theme: ThemeContent | None
) -> RenderedMail:
    """The same by a template that is compiled already."""
    template, cleaned = compiled.template, _clean(mail)
    words = template.words(language)
    names = {**names_of_a_site(site, theme, language, words), "mail": cleaned}
    with blaming(template.mjml):
        html = compiled.html.render(names)
    with blaming(template.text):
        text = compiled.text.render(names)
    return RenderedMail(_subject(cleaned, site, words), html, text)


def _subject(mail: OwnMail, site: SiteContent, words: Words) -> str:
    match mail:
        case Confirm():
            said = words.translate("Please confirm: %(newsletter)s") % {"newsletter": mail.newsletter}
        case Welcome():
            said = words.translate("Welcome to %(newsletter)s") % {"newsletter": mail.newsletter}
        case SignIn():
            said = words.translate("Sign in to %(site)s") % {"site": site.name}
        case IssueReady():
            said = words.translate("Ready for you: %(newsletter)s, no. %(number)s") % {
                "newsletter": mail.newsletter,
                "number": mail.number,
            }
    return one_line(said)


def _clean(mail: OwnMail) -> OwnMail:
    """The mail with texts on one line and http(s) addresses only."""
    changed: dict[str, object] = {}
    for field in fields(mail):
        value = getattr(mail, field.name)
        if field.name.endswith("url"):
            changed[field.name] = web_address(value) or "#"
        elif isinstance(value, str):
            changed[field.name] = one_line(value)
        elif isinstance(value, tuple):
            changed[field.name] = tuple(one_line(one) for one in value)
    return replace(mail, **changed)  # type: ignore[arg-type]  # each of its own kind
