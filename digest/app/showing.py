"""Showing templates: what each makes of ordinary issues in many languages, and of such as strain it, as a folder of pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from digest.app.templating import list_templates
from digest.app.wiring import App
from digest.errors import TemplateError, UsageError
from digest.insights.showroom_page import Shown, index_page, mail_page, variants
from digest.issues.drawing import site_of, theme_of
from digest.languages import languages_with_words
from digest.rendering.assemble import assemble, fill
from digest.rendering.compile import compile_template
from digest.rendering.content import Personal
from digest.rendering.mail_content import OWN_MAILS
from digest.rendering.own_mails import render_own
from digest.rendering.render import render_blocks
from digest.rendering.showroom import LINKS, Scene, scenes
from digest.rendering.specimen import MAILS
from digest.rendering.templates import Template, load_template


@dataclass(frozen=True, slots=True)
class Gallery:
    """The page to open, how many mails it shows, and what kept a template from being shown."""

    index: Path
    mails: int
    broken: tuple[str, ...]


def show_templates(app: App, names: Sequence[str], folder: Path) -> Gallery:
    """Write the gallery of these templates, or of all of them, into a folder; one that is broken keeps no other from it."""
    known = [listed.name for listed in list_templates(app)]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no template {name!r}; there are {', '.join(known)}")
    shown: list[Shown] = []
    broken = []
    for name in names or known:
        try:
            for one in _mails(app, load_template(name, app.template_folders)):
                _write(folder, f"{one.name}-{one.slug}", one)
                shown.append(one)
        except TemplateError as error:
            broken.append(str(error))
    index = _put(folder / "index.html", index_page(shown, broken))
    return Gallery(index, len(shown), tuple(broken))


def _mails(app: App, template: Template) -> Iterator[Shown]:
    if template.name in OWN_MAILS:
        yield from _own_mails(app, template)
        return
    for scene in scenes(site_of(app.settings), theme_of(app.settings)):
        html, text = _issue(template, scene)
        yield Shown(template.name, scene.slug, scene.shows, html, text, scene.pictures)


def _issue(template: Template, scene: Scene) -> tuple[str, str]:
    """The mail that a reader of a scene's issue gets."""
    made = assemble(render_blocks(template, scene.content), scene.arrangement, issue="weekly/12", number=1, content=scene.content)
    links = (f"{LINKS}/preferences/p1.Zm9vYmFyYmF6", f"{LINKS}/unsubscribe/u1.Zm9vYmFyYmF6")
    return fill(made, Personal(made.greeting.to("Maja"), "maja@reader.example", *links))


def _own_mails(app: App, template: Template) -> Iterator[Shown]:
    compiled, site, theme = compile_template(template), site_of(app.settings), theme_of(app.settings)
    mail = next(mail for mail in MAILS if isinstance(mail, OWN_MAILS[template.name]))
    for language in languages_with_words(template.catalogues):
        made = render_own(compiled, mail, language=language, site=site, theme=theme)
        yield Shown(template.name, language, f"in {language}: {made.subject}", made.html, made.text)


def _write(folder: Path, stem: str, shown: Shown) -> None:
    for suffix, content in variants(shown).items():
        _put(folder / "mails" / f"{stem}{suffix}", content)
    _put(folder / f"{stem}.html", mail_page(shown))


def _put(file: Path, content: str) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")
    except OSError as error:
        raise UsageError(f"--out: {file} cannot be written: {error.strerror}") from None
    return file
