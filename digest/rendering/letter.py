"""A letter's look: one short text, one button, in HTML and in plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from digest.rendering.cleaning import one_line
from digest.rendering.colours import shades
from digest.rendering.columns import wrap
from digest.rendering.content import SiteContent
from digest.rendering.own_mails import RenderedMail

_STYLE = """
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  body, .page { background: #121417 !important; } .sheet { background: #1d2125 !important; color: #e9ebed !important; }
  .foot { color: #a3abb3 !important; } .button { background: DARK !important; color: ON_DARK !important; }
}
"""


@dataclass(frozen=True, slots=True)
class LetterText:
    """What a letter says, in its language. `link` is where the button leads."""

    language: str
    direction: str
    subject: str
    paragraphs: Sequence[str]
    button: str
    link: str
    after: Sequence[str] = ()


def render_letter(text: LetterText, site: SiteContent) -> RenderedMail:
    """The letter, ready to be sent; it is one person's alone."""
    return RenderedMail(one_line(text.subject), str(_html(text, site)), _plain(text, site))


def _html(text: LetterText, site: SiteContent) -> Markup:
    colours = shades(site.colour)
    style = _STYLE.replace("ON_DARK", colours.on_accent_dark).replace("DARK", colours.accent_dark)
    said = Markup("\n").join(Markup('<p style="margin:0 0 16px">{}</p>').format(one) for one in text.paragraphs)
    after = Markup("\n").join(Markup('<p style="margin:16px 0 0">{}</p>').format(one) for one in text.after)
    return Markup(
        '<!doctype html>\n<html lang="{lang}" dir="{dir}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        "<title>{title}</title>\n<style>{style}</style></head>\n"
        '<body class="page" style="margin:0;padding:24px 12px;background:#f1f0ec">\n'
        '<div class="sheet" style="max-width:520px;margin:0 auto;padding:32px;background:#ffffff;color:#22272c;'
        'font:16px/1.55 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif">\n{said}\n'
        '<p style="margin:24px 0"><a class="button" href="{link}" style="display:inline-block;padding:13px 24px;border-radius:6px;'
        'background:{accent};color:{on_accent};font-weight:600;text-decoration:none">{button}</a></p>\n'
        '<p style="margin:0;font-size:14px;word-break:break-all">{link}</p>\n{after}\n</div>\n'
        '<div class="foot" style="max-width:520px;margin:0 auto;padding:16px 32px;color:#5c656d;'
        'font:14px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif">{site} · {address}</div>\n</body>\n</html>\n'
    ).format(
        lang=text.language,
        dir=text.direction,
        title=text.subject,
        style=Markup(style),  # noqa: S704  # ours, with two colours in it
        said=said,
        link=text.link,
        accent=colours.accent,
        on_accent=colours.on_accent,
        button=text.button,
        after=after,
        site=site.name,
        address=escape(site.postal_address.replace("\n", ", ")),
    )


def _plain(text: LetterText, site: SiteContent) -> str:
    paragraphs = [*text.paragraphs, text.link, *text.after, f"-- \n{site.name}\n{site.postal_address}"]
    wrapped = [one if one in (text.link, paragraphs[-1]) else wrap(one) for one in paragraphs]
    return "\n\n".join(wrapped) + "\n"
