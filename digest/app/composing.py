"""Composing letters: what each kind says, in its reader's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from digest.app import signing_in
from digest.app.wiring import App
from digest.audience import asking, moving, questions
from digest.audience.finding import subscriber_by_id, subscription_by_id, subscriptions_of
from digest.audience.links import page_url, preferences_url, unsubscribe_url
from digest.audience.tokens import Purpose, make_expiring_token, make_token
from digest.audience.topics import ALL_TOPICS
from digest.delivery import welcoming
from digest.delivery.letters import TRIED_FOR, Kind, Letter
from digest.delivery.welcoming import Welcome
from digest.editors import links, notices
from digest.editors.roles import Role, role_of
from digest.issues.drawing import theme_of
from digest.languages import Words, locale_of, read_catalogues, words_in
from digest.rendering.cleaning import one_line
from digest.rendering.content import Personal, SenderContent, SiteContent
from digest.rendering.letter import LetterText, render_letter
from digest.rendering.mail_content import Confirm, SignIn
from digest.rendering.own_mails import RenderedMail, render_mail
from digest.rendering.rendition import Rendition, Slotted
from digest.settings import NewsletterSettings

_NOBODY = 0
"""No subscription has this number: a link for it ends nothing, and answers as every other."""
_EDITORS = "editors"
"""What stands for a newsletter in mails to editors."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter that can be sent, for which newsletter, and what of it is one person's: the address in its List-Unsubscribe."""

    newsletter: str
    rendition: Rendition
    personal: Personal
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """Whose newsletter it is sent for, the subscription that its List-Unsubscribe ends, and both its parts."""

    newsletter: str
    subscription: int
    mail: RenderedMail


def compose(app: App, connection: Connection, letter: Letter) -> Composed | None:
    """The letter as it stands now; None when what it asks for is over. A `TemplateError` says what is broken."""
    if letter.kind is Kind.WELCOME:
        return _welcome(app, connection, letter)
    draft = _KINDS[letter.kind](app, connection, letter)
    if draft is None:
        return None
    sender, of = app.settings.sender, app.settings.site
    rendition = Rendition(
        issue=f"{draft.newsletter}/{letter.kind.value.replace(' ', '-')}",
        number=0,
        language=letter.language,
        subject=draft.mail.subject,
        newsletter_title=one_line(of.name),
        list_id=f"{draft.newsletter}.{sender.address.rpartition('@')[2]}",
        sender=SenderContent(sender.name, sender.address, sender.reply_to),
        html=Slotted((draft.mail.html,), ()),
        text=Slotted((draft.mail.text,), ()),
    )
    leave = unsubscribe_url(of.public_url, make_token(app.key, Purpose.UNSUBSCRIBE, draft.subscription))
    return Composed(draft.newsletter, rendition, Personal("", letter.email, "", leave))


def _welcome(app: App, connection: Connection, letter: Letter) -> Composed | None:
    """An issue's own rendition, as its deliveries carried it."""
    found = subscription_by_id(connection, letter.about)
    person = None if found is None else subscriber_by_id(connection, found.subscriber_id)
    if found is None or person is None or letter.content is None or not welcoming.is_wanted(found):
        return None
    rendition = welcoming.assemble(connection, Welcome.from_json(letter.content))
    if rendition is None:
        return None
    at, key = app.settings.site.public_url, app.key
    personal = Personal(
        greeting=rendition.greeting.to(person.name),
        email=letter.email,
        preferences_url=preferences_url(at, make_token(key, Purpose.PREFERENCES, found.id)),
        unsubscribe_url=unsubscribe_url(at, make_token(key, Purpose.UNSUBSCRIBE, found.id)),
    )
    return Composed(found.newsletter, rendition, personal, person.name)


def _confirm(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    found = asking.find(connection, letter.about, now=app.now)
    newsletter = None if found is None else _newsletter(app, found.newsletter)
    if found is None or newsletter is None or found.confirmed_at is not None:
        return None
    mail = Confirm(
        newsletter=newsletter.title,
        topics=_titles(newsletter, found.topics),
        email=found.email,
        url=_link(app, "confirm", Purpose.CONFIRM, found.id, found.ends_at),
    )
    look = theme_of(app.settings)
    rendered = render_mail(mail, language=letter.language, site=_site(app), theme=look, folders=app.template_folders)
    return _Draft(newsletter.slug, _NOBODY, rendered)


def _move_from(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    return _move(app, connection, letter, Purpose.MOVE_FROM)


def _move_to(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    return _move(app, connection, letter, Purpose.MOVE_TO)


def _move(app: App, connection: Connection, letter: Letter, purpose: Purpose) -> _Draft | None:
    found = moving.look(connection, letter.about, now=app.now)
    theirs = () if found is None else subscriptions_of(connection, found.subscriber_id)
    if found is None or found.done_at is not None or not theirs:
        return None
    translate = _words(app, letter).translate
    asked = (
        translate("Somebody, we hope you, asked us to write to %(email)s from now on, and not to this address any more.")
        if purpose is Purpose.MOVE_FROM
        else translate("Somebody, we hope you, asked us to write to this address, %(email)s, from now on.")
    )
    mail = _one_button(
        app,
        letter,
        subject=translate("Please confirm your new address"),
        paragraphs=(
            asked % {"email": found.email},
            translate("Both addresses have to agree; we have written to the other one, too."),
        ),
        button=translate("Agree"),
        link=_link(app, "move", purpose, found.id, found.ends_at),
        after=(translate("If it was not you, do nothing, and nothing changes."),),
    )
    ends = theirs[0].id if purpose is Purpose.MOVE_FROM else _NOBODY
    return _Draft(theirs[0].newsletter, ends, mail)


def _erase(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    found = subscription_by_id(connection, letter.about)
    if found is None or subscriber_by_id(connection, found.subscriber_id) is None:
        return None
    translate = _words(app, letter).translate
    mail = _one_button(
        app,
        letter,
        subject=translate("Please confirm that we shall erase you"),
        paragraphs=(translate("Somebody, we hope you, asked us to erase everything that we know of you. There is no way back."),),
        button=translate("Go on"),
        link=_link(app, "erase", Purpose.ERASE, found.id, letter.created_at + TRIED_FOR),
        after=(translate("If it was not you, do nothing, and nothing changes."),),
    )
    return _Draft(found.newsletter, found.id, mail)


def _download(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    found = subscription_by_id(connection, letter.about)
    if found is None:
        return None
    translate = _words(app, letter).translate
    mail = _one_button(
        app,
        letter,
        subject=translate("What we know of you"),
        paragraphs=(
            translate("Somebody, we hope you, asked us for everything that we know of you. It waits behind this button."),
        ),
        button=translate("Go on"),
        link=_link(app, "download", Purpose.DOWNLOAD, found.id, letter.created_at + TRIED_FOR),
        after=(translate("If it was not you, do nothing, and nothing changes."),),
    )
    return _Draft(found.newsletter, found.id, mail)


def _sign_in(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    """Nobody is written to who is no editor, or whose link is over."""
    link = links.find(connection, letter.about, now=app.now)
    if link is None or role_of(app.settings, link.email) is None:
        return None
    url, look = signing_in.address_of(app, link), theme_of(app.settings)
    mail = SignIn(email=link.email, minutes=int(links.HOLDS_FOR.total_seconds() // 60), url=url)
    rendered = render_mail(mail, language=letter.language, site=_site(app), theme=look, folders=app.template_folders)
    return _Draft(_EDITORS, _NOBODY, rendered)


def _notice(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    """What an editor is told; nobody is who is none by now."""
    found = notices.find(connection, letter.about)
    if found is None or role_of(app.settings, letter.address) in (None, Role.VIEWER):
        return None
    at = app.settings.site.public_url
    mail = _one_button(
        app,
        letter,
        subject=found.title,
        paragraphs=(f"{found.title}.", *([found.words] if found.words else [])),
        button="Open the desk",
        link=page_url(at, "editor", f"issues/{found.issue}")
        if found.issue
        else page_url(at, "editor", "audit").removesuffix("/audit"),
        after=("You get this as an editor; `notices.mail` in the configuration switches it off.",),
    )
    return _Draft(_EDITORS, _NOBODY, mail)


def _sunset(app: App, connection: Connection, letter: Letter) -> _Draft | None:
    """Until they are silent no longer, or have left."""
    found = subscription_by_id(connection, letter.about)
    newsletter = None if found is None else _newsletter(app, found.newsletter)
    if found is None or newsletter is None or questions.open_question(connection, found) is None:
        return None
    translate = _words(app, letter).translate
    named = {"newsletter": newsletter.title}
    mail = _one_button(
        app,
        letter,
        subject=translate("Do you still want %(newsletter)s?") % named,
        paragraphs=(
            translate(
                "For a long time we have not noticed that you read %(newsletter)s. We may be wrong: we do not see everything."
            )
            % named,
            translate("If you want to go on getting it, press the button."),
        ),
        button=translate("Yes, go on"),
        link=_link(app, "stay", Purpose.STAY, found.id, letter.created_at + TRIED_FOR + newsletter.sunset_grace),
        after=(translate("If you do nothing, we stop sending it to you. You can subscribe again at any time."),),
    )
    return _Draft(found.newsletter, found.id, mail)


_KINDS: dict[Kind, Callable[[App, Connection, Letter], _Draft | None]] = {
    Kind.CONFIRM: _confirm,
    Kind.MOVE_FROM: _move_from,
    Kind.MOVE_TO: _move_to,
    Kind.ERASE: _erase,
    Kind.DOWNLOAD: _download,
    Kind.SIGN_IN: _sign_in,
    Kind.SUNSET: _sunset,
    Kind.NOTICE: _notice,
}


def _one_button(
    app: App, letter: Letter, *, subject: str, paragraphs: tuple[str, ...], button: str, link: str, after: tuple[str, ...]
) -> RenderedMail:
    """A letter of a few words and one button, in its reader's language."""
    text = LetterText(
        language=letter.language,
        direction="rtl" if locale_of(letter.language).character_order == "right-to-left" else "ltr",
        subject=subject,
        paragraphs=paragraphs,
        button=button,
        link=link,
        after=after,
    )
    return render_letter(text, _site(app))


def _link(app: App, page: str, purpose: Purpose, number: int, ends_at: datetime) -> str:
    return page_url(app.settings.site.public_url, page, make_expiring_token(app.key, purpose, number, ends_at))


def _newsletter(app: App, slug: str) -> NewsletterSettings | None:
    return next((one for one in app.settings.newsletters if one.slug == slug and one.current), None)


def _site(app: App) -> SiteContent:
    of = app.settings.site
    return SiteContent(of.name, of.url, of.public_url, of.postal_address, of.logo, of.colour)


def _words(app: App, letter: Letter) -> Words:
    return words_in(letter.language, read_catalogues(app.template_folders))


def _titles(newsletter: NewsletterSettings, topics: str) -> tuple[str, ...]:
    """The titles of some topics, in the newsletter's order; none for all of them."""
    words = set(topics.split())
    return () if topics == ALL_TOPICS else tuple(topic.title for slug, topic in newsletter.offered.items() if slug in words)
