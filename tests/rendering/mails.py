"""Every mail that ships, as a reader would get it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from digest.rendering.assemble import assemble, fill
from digest.rendering.content import IssueContent, Personal, SponsorContent, ThemeContent
from digest.rendering.own_mails import RenderedMail, render_mail
from digest.rendering.render import render_blocks
from digest.rendering.showroom import Scene, scenes
from digest.rendering.specimen import CONTENT, MAILS
from digest.rendering.templates import load_template
from digest.settings.theme import Dark, Light, palette_of

from .sample import LINKS, SHIPPED

FAMILIES = ("weekly", "brief", "magazine")
LANGUAGES = ("en", "de", "fr", "es", "pt", "ar", "ja")
SCENES = {scene.slug: scene for scene in scenes()}
THEME = ThemeContent(
    logo="https://pictures.backend.example/day.png",
    logo_dark="https://pictures.backend.example/night.png",
    font="'DejaVu Sans', sans-serif",
    heading_font="'DejaVu Serif', serif",
    radius=12,
    light=palette_of(Light(page="#fdf3e7", sheet="#fffdf9", text="#2b1d0e", muted="#6b5a48"), "#c2410c"),
    dark=palette_of(Dark(page="#1a1208", sheet="#241a0d", text="#f5e9d9", muted="#b8a58c"), "#c2410c"),
)


def reader(greeting: str) -> Personal:
    return Personal(greeting, "maja@example.net", f"{LINKS}/preferences/p1.Zm9v", f"{LINKS}/unsubscribe/u1.Zm9v")


def mail_of(family: str, content: IssueContent, scene: Scene) -> tuple[str, str]:
    template = load_template(family, [SHIPPED])
    made = assemble(render_blocks(template, content), scene.arrangement, issue="weekly/12", number=1, content=content)
    return fill(made, reader(made.greeting.to("Maja")))


@cache
def issue_mail(family: str, slug: str) -> tuple[str, str]:
    return mail_of(family, SCENES[slug].content, SCENES[slug])


@cache
def themed_mail(family: str) -> str:
    """A family's HTML with logos for both modes, and a sponsor with a picture."""
    paid = SponsorContent("Sponsor", "https://a.example", "Pays.", "https://pictures.backend.example/s.png", "A sign")
    return mail_of(family, replace(SCENES["en"].content, theme=THEME, sponsor=paid), SCENES["en"])[0]


@cache
def own_mail(kind: str, language: str) -> RenderedMail:
    mail = next(mail for mail in MAILS if type(mail).__name__ == kind)
    return render_mail(mail, language=language, site=CONTENT.site, theme=None, folders=[SHIPPED])


def every_mail() -> dict[str, str]:
    """The HTML of every family in every scene and with a theme, and of every mail of Digest's own in every language."""
    found = {f"{family}-{slug}": issue_mail(family, slug)[0] for family in FAMILIES for slug in SCENES}
    found |= {f"{family}-themed": themed_mail(family) for family in FAMILIES}
    kinds = [type(mail).__name__ for mail in MAILS]
    return found | {f"{kind}-{language}": own_mail(kind, language).html for kind in kinds for language in LANGUAGES}
