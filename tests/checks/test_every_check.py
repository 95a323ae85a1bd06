"""Every check, by a mail that it complains of; and the sound one, of which none complains."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from digest.catalogue.answered import Answer
from digest.checks.finding import Fault, Finding, Severity
from digest.checks.issue_checks import CHECKS, ONLINE, check
from digest.checks.links import addresses_of_links, addresses_of_pictures
from digest.checks.mail import LastIssue, Mail, SpamReport
from digest.rendering.assemble import assemble
from digest.rendering.content import AlsoContent, Arrangement, NoteContent, SponsorContent
from digest.rendering.degrading import CLIPPED_AT, Degraded, Form, weigh
from digest.rendering.render import render_blocks
from digest.rendering.rendition import Rendition, Slotted
from digest.rendering.source import Source
from digest.rendering.templates import load_template
from digest.settings.checks import Checks
from tests.checks.sound import ARTICLES, RENDITION, SOUND, a_mail, found, rendered, spoilt, with_article, without_slot
from tests.rendering.sample import ARRANGEMENT, BODY, SHIPPED, shipped

ARTICLE = "https://engineering.example.org/articles/2"
PICTURE = "https://images.example.org/picture.png"
PREHEADER = RENDITION.html.literals[0].partition('aria-hidden="true">')[2].partition("&#847;")[0]

ABOVE = replace(
    SOUND,
    note=NoteContent("This week is about **waiting**, see [why & how](https://x.example/a_b?c=1&d=2):\n\n- one\n- <two>"),
    sponsor=SponsorContent("Harbour & Sons", "https://harbour.example/?a=1", "Deploy on Fridays. " * 8),
)


def sized(many: int) -> Mail:
    html = RENDITION.html
    filler = "x" * (many - weigh([html]))
    return a_mail(rendition=replace(RENDITION, html=Slotted((*html.literals[:-1], filler + html.literals[-1]), html.slots)))


def answering(address: str, answer: Answer) -> Mail:
    return a_mail(answers={address: answer})


def last(subject: str = "Another", **articles: str) -> LastIssue:
    return LastIssue("weekly/11", subject, {int(key.removeprefix("a")): title for key, title in articles.items()})


def around_links(before: str, after: str) -> Mail:
    """The sound mail, whose text part puts every link between these."""
    text = RENDITION.text
    literals = [re.sub(r"https://\S+", lambda link: f"{before}{link[0]}{after}", literal) for literal in text.literals]
    for number, slot in enumerate(text.slots):
        if slot.endswith("_url"):
            literals[number], literals[number + 1] = literals[number] + before, after + literals[number + 1]
    return a_mail(rendition=replace(RENDITION, text=Slotted(tuple(literals), text.slots)))


def lacking(part: str, words: str) -> Rendition:
    """The rendition of `ABOVE`, one of whose parts lacks some words."""
    made = rendered(ABOVE)
    slotted: Slotted = getattr(made, part)
    assert words in "".join(slotted.literals)
    gone = Slotted(tuple(literal.replace(words, "") for literal in slotted.literals), slotted.slots)
    return replace(made, html=gone) if part == "html" else replace(made, text=gone)


def by_template(before: str, after: str) -> Mail:
    return a_mail(template=Source("templates/mine.mjml", BODY.replace(before, after)))


SPOILT: list[tuple[str, Callable[[], Mail], str]] = [
    ("subject_missing", lambda: a_mail(rendition=replace(RENDITION, subject=" ")), "subject: it is empty"),
    ("subject_long", lambda: a_mail(rendition=replace(RENDITION, subject="x" * 79)), "subject: it has 79 characters"),
    ("subject_repeated", lambda: a_mail(last=last(SOUND.subject)), "subject: it is that of weekly/11"),
    (
        "preheader_missing",
        lambda: spoilt("html", 'style="display:none;max-height:0', 'style="max-height:0'),
        "preheader: there is none",
    ),
    ("preheader_missing", lambda: spoilt("html", PREHEADER, "Hi"), "preheader: it has 2 characters"),
    (
        "placeholders",
        lambda: a_mail(rendition=replace(RENDITION, subject="News {{ issue.number }}")),
        "subject: '{{ issue.number }}' was left in it",
    ),
    ("placeholders", lambda: spoilt("html", "View in browser", "[[view]]"), "html part: '[[view]]' was left in it"),
    ("placeholders", lambda: spoilt("html", "View in browser", "Lorem ipsum"), "html part: 'Lorem ipsum' was left in it"),
    ("placeholders", lambda: spoilt("html", "View in browser", "TODO"), "html part: 'TODO' was left in it"),
    ("placeholders", lambda: spoilt("text", "View in browser", "*|ARCHIVE|*"), "text part: '*|ARCHIVE|*' was left in it"),
    ("placeholders", lambda: spoilt("text", "View in browser", "{{ half"), "text part: '{{ half"),
    (
        "article_placeholders",
        lambda: a_mail(with_article(summary="Lorem ipsum dolor")),
        "'Lorem ipsum' stands in its title or summary",
    ),
    ("article_placeholders", lambda: a_mail(with_article(title="A title with {{ braces }}")), "'{{ braces }}' stands"),
    ("links_broken", lambda: spoilt("html", f'href="{ARTICLE}"', 'href="#"', 1), "leads to '#', which is no web address"),
    ("links_broken", lambda: spoilt("html", f'href="{ARTICLE}"', 'href=""', 1), "leads nowhere, which is no web address"),
    ("links_broken", lambda: spoilt("html", f'href="{ARTICLE}"', 'href="javascript:x()"', 1), "leads to 'javascript:x()'"),
    ("links_private", lambda: a_mail(with_article(url="http://192.168.0.7/a")), "192.168.0.7 is nobody else's"),
    ("links_private", lambda: a_mail(with_article(url="http://localhost:8000/a")), "localhost is nobody else's"),
    ("links_private", lambda: a_mail(with_article(image="https://wiki.intranet/p.png")), "wiki.intranet is nobody else's"),
    (
        "links_unreachable",
        lambda: answering(ARTICLE, Answer(False, said="it answered 404")),
        "a link cannot be reached: it answered 404",
    ),
    ("pictures_unreachable", lambda: answering(PICTURE, Answer(False, said="gone")), "a picture cannot be reached: gone"),
    ("pictures_heavy", lambda: answering(PICTURE, Answer(True, 1_000_001)), "picture.png has 1,000,001 bytes"),
    ("picture_text_missing", lambda: a_mail(with_article(image_alt=None)), "its picture has no alternative text"),
    ("picture_text_missing", lambda: spoilt("html", 'alt="Picture 2"', "", 1), "has no alt"),
    ("unsubscribe_link_missing", lambda: without_slot("html", "unsubscribe_url"), "html part: it has no unsubscribe link"),
    ("unsubscribe_link_missing", lambda: without_slot("text", "unsubscribe_url"), "text part: it has no unsubscribe link"),
    (
        "unsubscribe_header_missing",
        lambda: replace(mail := a_mail(), message=mail.message.replace(b"List-Unsubscribe-Post:", b"X-Nothing:")),
        "headers: List-Unsubscribe-Post is not there once",
    ),
    (
        "unsubscribe_header_missing",
        lambda: replace(mail := a_mail(), message=b"List-Unsubscribe: <https://else.example/>\r\n" + mail.message),
        "headers: List-Unsubscribe is not there once",
    ),
    ("postal_address_missing", lambda: spoilt("text", "1 Sample Street", ""), "text part: it has no postal address"),
    ("postal_address_missing", lambda: spoilt("html", "1 Sample Street", ""), "html part: it has no postal address"),
    (
        "public_url_insecure",
        lambda: a_mail(replace(SOUND, site=replace(SOUND.site, public_url="http://digest.example.org"))),
        "site.public_url: http://digest.example.org is not https",
    ),
    ("clipped", lambda: sized(CLIPPED_AT), "html part: it has 100,000 bytes, and Gmail clips it"),
    ("nearly_clipped", lambda: sized(90_000), "html part: it has 90,000 bytes, and Gmail clips at about"),
    ("nearly_clipped", lambda: sized(CLIPPED_AT - 1), "html part: it has 99,999 bytes"),
    (
        "degraded",
        lambda: a_mail(rendition=replace(RENDITION, degraded=Degraded(Form.TITLES, 120_000, 80_000))),
        "html part: it was too large: whole it would have 120,000 bytes: only titles were left",
    ),
    ("text_differs", lambda: spoilt("text", f"\n{ARTICLE}\n", "\n"), "text part: it lacks article 2 “A title of article 2”"),
    ("text_differs", lambda: spoilt("html", ARTICLE, "https://else.example/"), "html part: it lacks article 2"),
    (
        "text_differs",
        lambda: spoilt("text", "A title of article 2", "Another title"),
        "text part: it lacks the title of article 2",
    ),
    ("text_differs", lambda: a_mail(ABOVE, lacking("text", "waiting")), "text part: it lacks the editor's note"),
    ("text_differs", lambda: a_mail(ABOVE, lacking("html", "waiting")), "html part: it lacks the editor's note"),
    ("text_differs", lambda: a_mail(ABOVE, lacking("text", "Fridays")), "text part: it lacks the sponsor's title, text or link"),
    ("text_differs", lambda: a_mail(ABOVE, lacking("html", "?a=1")), "html part: it lacks the sponsor's title, text or link"),
    ("placeholders", lambda: a_mail(replace(SOUND, note=NoteContent("See TODO."))), "note: 'TODO' was left in it"),
    (
        "placeholders",
        lambda: a_mail(replace(SOUND, sponsor=SponsorContent("[[name]]", "https://s.example/"))),
        "sponsor: '[[name]]'",
    ),
    ("html_malformed", lambda: spoilt("html", "</h1>", "", 1), "html part: <h1> is not closed before </div>"),
    ("html_malformed", lambda: spoilt("html", "</h1>", "</h1></h1>", 1), "html part: </h1> closes nothing"),
    ("html_malformed", lambda: spoilt("html", "<![endif]-->", "", 1), "a conditional comment for Outlook is never ended"),
    (
        "contrast_low",
        lambda: spoilt("html", "color:#22272c", "color:#999999"),
        "is #999999 on #ffffff in light mode, a contrast of 2.85:1",
    ),
    (
        "contrast_low",
        lambda: spoilt("html", ".sheet h3 { color: #e9ebed !important", ".sheet h3 { color: #444444 !important"),
        "is #444444 on #1d2125 in dark mode",
    ),
    (
        "client_support",
        lambda: spoilt("html", ".logo a { display: inline-block;", ".logo a { display: grid;"),
        "it uses display: grid",
    ),
    (
        "client_support",
        lambda: spoilt("html", "picture.png", "picture.webp"),
        "it uses WebP pictures, which Outlook on Windows lack",
    ),
    (
        "template_mistaken",
        lambda: by_template("<mj-body>", '<mj-body bogus="1">'),
        "templates/mine.mjml, line 1: <mj-body> has no attribute `bogus`",
    ),
    ("template_doubtful", lambda: by_template("", ""), "templates/mine.mjml, line 1: there is no <mj-title>"),
    (
        "spam",
        lambda: a_mail(spam=SpamReport(5.5, 5.0, (("MIME_HTML_ONLY", 4.0), ("OTHER", 1.5)))),
        "SpamAssassin gives it 5.5 points of 5: MIME_HTML_ONLY 4, OTHER 1.5",
    ),
    (
        "articles_repeated",
        lambda: a_mail(last=last(a2="Old title")),
        "article 2 “A title of article 2”: it stood in weekly/11 too",
    ),
    (
        "articles_repeated",
        lambda: a_mail(last=last(a99="a TITLE of  article 3")),
        "article 3 “A title of article 3”: one with its title",
    ),
    (
        "date_passed",
        lambda: a_mail(with_article(summary="The talk is tomorrow.")),
        "it says “tomorrow” and was published on 2026-11-20",
    ),
    ("date_passed", lambda: a_mail(with_article(summary="Register by 20 November 2026.")), "it speaks of 2026-11-20"),
    ("date_passed", lambda: a_mail(with_article(summary="Join us on November 21st, 2026!")), "it speaks of 2026-11-21"),
    ("date_passed", lambda: a_mail(with_article(summary="Call for papers until 2026-11-22.")), "it speaks of 2026-11-22"),
]


def test_of_the_sound_mail_no_check_complains() -> None:
    assert found(a_mail(template=shipped().mjml)) == {}


@pytest.mark.parametrize("name", ["weekly", "brief", "magazine"])
@pytest.mark.parametrize("language", ["en", "ar", "de", "ja"])
def test_no_check_complains_of_a_shipped_template(name: str, language: str) -> None:
    template, content = load_template(name, [SHIPPED]), replace(SOUND, language=language)
    made = assemble(render_blocks(template, content), ARRANGEMENT, issue="weekly/12", number=1, content=content)
    assert found(a_mail(content, made, template=template.mjml)) == {}


@pytest.mark.parametrize(("name", "mail", "said"), SPOILT, ids=[f"{name}-{number}" for number, (name, _, _) in enumerate(SPOILT)])
def test_each_check_finds_what_it_is_for(name: str, mail: Callable[[], Mail], said: str) -> None:
    findings = found(mail())
    assert [one for one in findings.get(name, []) if said in one], findings


@pytest.mark.parametrize("name", ["weekly", "brief", "magazine"])
def test_no_check_complains_of_what_an_editor_wrote_above_the_articles(name: str) -> None:
    template = load_template(name, [SHIPPED])
    for utm in ((), (("utm_source", "n"),)):
        content = replace(ABOVE, utm=utm)
        made = assemble(render_blocks(template, content), ARRANGEMENT, issue="weekly/12", number=1, content=content)
        assert found(a_mail(content, made, template=template.mjml)) == {}


def test_what_is_left_in_a_note_is_told_of_the_note_alone() -> None:
    assert found(a_mail(replace(SOUND, note=NoteContent("See TODO.")))) == {"placeholders": ["note: 'TODO' was left in it"]}


def test_every_check_is_shown_to_find_something() -> None:
    assert {name for name, _, _ in SPOILT} == set(CHECKS)


@pytest.mark.parametrize(
    ("name", "mail"),
    [
        ("subject_long", lambda: a_mail(rendition=replace(RENDITION, subject="x" * 78))),
        ("subject_repeated", lambda: a_mail(last=last("Another one"))),
        (
            "placeholders",
            lambda: a_mail(with_article(title="What {{ braces }} and TODO lists are [[for]]", summary="Lorem ipsum")),
        ),
        ("placeholders", lambda: a_mail(replace(with_article(url="https://x.example/TODO/1#TODO"), utm=(("utm_source", "a"),)))),
        ("links_broken", lambda: spoilt("html", f'href="{ARTICLE}"', 'href="MAILTO:ann@x.example"', 1)),
        ("unsubscribe_link_missing", lambda: around_links("<", ">.")),
        ("text_differs", lambda: around_links("<", ">.")),
        ("text_differs", lambda: around_links("[", "]")),
        ("text_differs", lambda: a_mail(with_article(url="https://x.example/a_(b)\u00a0c"))),
        ("links_private", lambda: a_mail(with_article(url="https://93.184.215.14/a"))),
        ("links_unreachable", lambda: answering(ARTICLE, Answer(True))),
        ("pictures_heavy", lambda: answering(PICTURE, Answer(True, 1_000_000))),
        ("pictures_heavy", lambda: answering(PICTURE, Answer(True))),
        ("clipped", lambda: sized(CLIPPED_AT - 1)),
        ("nearly_clipped", lambda: sized(89_999)),
        ("spam", lambda: a_mail(spam=SpamReport(0.9, 5.0, ()))),
        ("articles_repeated", lambda: a_mail(last=last(a99="Quite another title"))),
        ("text_differs", lambda: a_mail(replace(SOUND, utm=(("utm_source", "a b"),)))),
        ("text_differs", lambda: a_mail(with_article(also=(AlsoContent(9, "https://else.example/", "else.example"),)))),
        ("date_passed", lambda: a_mail(with_article(summary="The talk is tomorrow.", published_on=date(2026, 11, 22)))),
        ("date_passed", lambda: a_mail(with_article(summary="The talk is tomorrow.", published_on=None))),
        ("date_passed", lambda: a_mail(with_article(summary="The databases of tomorrow, and tomorrow's too."))),
        ("date_passed", lambda: a_mail(with_article(summary="Register by 23 November 2026."))),
        ("date_passed", lambda: a_mail(with_article(summary="Released on 3 March 2021 and still in use."))),
        ("date_passed", lambda: a_mail(with_article(summary="Register by 2026-02-31, which never comes."))),
    ],
)
def test_it_says_nothing_of_what_is_right(name: str, mail: Callable[[], Mail]) -> None:
    assert name not in found(mail())


def test_articles_in_another_order_are_told() -> None:
    turned = Arrangement(1, (("reliability", (4, 5, 11)), ("databases", (2, 3))))
    other = assemble(render_blocks(shipped(), SOUND), turned, issue="weekly/12", number=1, content=SOUND)
    findings = found(a_mail(rendition=replace(RENDITION, text=other.text)))
    assert findings == {"text_differs": ["text part: its articles stand in another order than in the HTML"]}


def test_settings_know_every_check_and_no_other() -> None:
    assert set(Checks.model_fields) == set(CHECKS)
    assert set(ONLINE) <= set(CHECKS)


def test_a_check_weighs_what_is_set() -> None:
    mail = a_mail(with_article(image_alt=None))
    for weight, expected in (("ignore", []), ("warning", [Severity.WARNING]), ("error", [Severity.ERROR])):
        weights = Checks.model_validate({"picture_text_missing": weight})
        assert [finding.severity for finding in check(mail, weights)] == expected


def test_a_check_that_stumbles_is_told_at_its_weight_and_the_others_go_on() -> None:
    def broken(mail: Mail) -> list[Fault]:
        raise ValueError("no such\ncolour")

    checks = {"contrast_low": broken, "subject_missing": CHECKS["subject_missing"], "clipped": broken}
    mail = a_mail(rendition=replace(RENDITION, subject=""))
    failed = "the check itself: it failed (ValueError: no such colour); tell whoever maintains Digest, and until then set checks."
    assert [(one.check, one.severity) for one in check(mail, Checks(), checks=checks)] == [
        ("subject_missing", Severity.ERROR),
        ("clipped", Severity.ERROR),
        ("contrast_low", Severity.WARNING),
    ]
    assert str(check(mail, Checks(), checks=checks)[1]) == f"{failed}clipped to ignore (clipped)"


def test_errors_come_first_and_alone_where_nothing_else_is_asked_for() -> None:
    mail = a_mail(with_article(image_alt=None), rendition=replace(RENDITION, subject=""))
    assert [(one.check, one.severity) for one in check(mail, Checks())] == [
        ("subject_missing", Severity.ERROR),
        ("picture_text_missing", Severity.WARNING),
    ]
    assert [one.check for one in check(mail, Checks(), errors_only=True)] == ["subject_missing"]


def test_a_finding_is_one_line_that_says_what_where_and_how_to_mend_it() -> None:
    finding = Finding(Severity.ERROR, "subject", "it is empty", "set it", "subject_missing")
    assert str(finding) == "subject: it is empty; set it (subject_missing)"
    for _, mail, _ in SPOILT:
        for one in check(mail(), Checks()):
            assert "\n" not in str(one)
            assert all((one.where, one.what, one.mend))


def test_links_and_pictures_to_ask_for_are_those_of_others_each_once() -> None:
    links = addresses_of_links(a_mail())
    assert len(links) == len(set(links)) == len(ARTICLES) + 1
    assert not [link for link in links if link.startswith("https://digest.example.org/")]
    assert addresses_of_pictures(a_mail()) == (PICTURE,)
