"""What a template says in the reader's language."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from digest.errors import TemplateError
from digest.languages import CatalogueFile
from digest.rendering.compile import compile_template
from digest.rendering.content import AlsoContent, Arrangement
from digest.rendering.render import render_direct
from digest.rendering.templates import Template

from .sample import BODY, CONTENT, PERSONAL, TEXT, article, template

CARD = "{% block card %}{{ article.title }}{% endblock %}"


def told(card: str, *, language: str = "de", text: bool = False, **changes: object) -> str:
    """A card of one article in a language, as HTML or as text."""
    one = replace(article(1, "T", author="A & B", minutes=3), **changes)  # type: ignore[arg-type]  # any field
    content = replace(CONTENT, language=language, articles=(one,))
    source = TEXT.replace("{{ article.title }}\n{% endblock %}\n{{ unsub", card + "\n{% endblock %}\n{{ unsub")
    made = template(text=source) if text else template(BODY.replace(CARD, "{% block card %}‹" + card + "›{% endblock %}"))
    html, plain = render_direct(made, content, Arrangement(None, (("databases", (1,)),)), PERSONAL)
    return plain if text else html[html.index("‹") + 1 : html.rindex("›")]


def refused(use: str) -> str:
    with pytest.raises(TemplateError) as raised:
        compile_template(template(BODY.replace("{{ greeting }}", use)))
    return str(raised.value)


def test_a_message_is_said_in_the_mails_language() -> None:
    assert told("{{ _('Read the article') }}") == "Artikel lesen"
    assert told("{{ _('Read the article') }}", language="ja") == "記事を読む"
    assert told("{{ _('Read the article') }}", language="pt-BR") == "Ler o artigo"
    assert told("{{ _('Read the article') }}", language="xx") == "Read the article"
    assert told("{{ _('Something of their own') }}") == "Something of their own"


def test_a_value_is_escaped_in_html_and_as_it_is_in_text() -> None:
    assert told("{{ _('Also at %(places)s', places=article.author) }}") == "Auch bei A &amp; B"
    assert told("{{ _('Also at %(places)s', places=article.author | bdi) }}") == "Auch bei <bdi>A &amp; B</bdi>"
    assert "\nAuch bei A & B\n" in told("{{ _('Also at %(places)s', places=article.author | bdi) }}", text=True)


def test_a_number_chooses_its_form_and_is_written_as_the_language_writes_it() -> None:
    said = "{{ ngettext('%(num)s min read', '%(num)s min read', article.reading_minutes) }}"
    assert told(said, reading_minutes=1) == "1 Minute Lesezeit"
    assert told(said, reading_minutes=1234) == "1.234 Minuten Lesezeit"
    assert told(said, reading_minutes=2, language="ar") == "مدة القراءة: دقيقتان"
    assert told("{{ 1234.5 | number }}", language="fr") == "1\u202f234,5"


def test_links_are_listed_as_the_language_lists() -> None:
    also = tuple(AlsoContent(n, f"https://{n}.example/?a&b", f"{n}.example") for n in (7, 8, 9))
    said = "{{ article.also | links('color:red') | listed }}"
    html = told(said, also=also)
    assert html.startswith('<a href="https://7.example/?a&amp;b" style="color:red"><bdi>7.example</bdi></a>, <a')
    assert ' und <a href="https://9.example/?a&amp;b"' in html
    assert "\n7.example و8.example و9.example\n" in told(said, also=also, language="ar", text=True)
    assert "7.example、8.example、9.example" in told(said, also=also, language="ja", text=True)


def test_a_link_within_a_sentence_is_text_in_plain_text() -> None:
    said = "{{ _('Also at %(places)s', places=site.name | link(site.url)) }}"
    assert told(said) == 'Auch bei <a href="https://engineering.example.org"><bdi>Example Engineering</bdi></a>'
    assert "\nAuch bei Example Engineering\n" in told(said, text=True)


def test_a_slot_may_stand_in_a_message() -> None:
    said = "{{ _('It was sent to %(email)s.', email=email | bdi) }}{{ _('Hello %(name)s,', name=greeting) }}"
    made = template(BODY.replace("{{ greeting }}", said))
    html, _ = render_direct(made, replace(CONTENT, language="de"), Arrangement(1, ()), replace(PERSONAL, email="<a@b>"))
    assert "Sie ging an <bdi>&lt;a@b&gt;</bdi>.Guten Tag Good morning Maja,," in html


@pytest.mark.parametrize(
    "use",
    [
        "{{ _('Hello %(name)s,', name=email) | upper }}",
        "{{ _('Hello %(name)s,', name=email | upper) }}",
        "{{ _('Hello %(name)s,', name=email ~ 'x') }}",
        "{{ ngettext('%(num)s a', '%(num)s b', email) }}",
        "{% set x = _('Hello %(name)s,', name=email) %}",
    ],
)
def test_nothing_else_is_done_with_a_slot_in_a_message(use: str) -> None:
    assert "line 2: `email` is known only when a mail leaves" in refused(use)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("{{ _(site.name) }}", "line 2: `_` takes its English in quotes, so that it can be translated, as in {{ _('Hello"),
        ("{{ _('a', 'b') }}", "`_` takes its English in quotes"),
        ("{{ _('a', **site) }}", "`_` takes its English in quotes"),
        ("{{ ngettext('a', 'b') }}", "`ngettext` takes its English in quotes"),
        ("{{ ngettext('a', site.name, 3) }}", "`ngettext` takes its English in quotes"),
        ("{{ _('Hello %(name)s') }}", "'Hello %(name)s' needs a value for %(name)s: write name=… behind it"),
        ("{{ _('Hello', name=site.name) }}", "'Hello' has no %(name)s to put name into"),
        ("{{ _('100% sure') }}", "'100% sure': write a value as %(name)s, and a percent sign as %%"),
        ("{{ _ }}", "`_` says something: call it, as in {{ _('Hello"),
        ("{{ site.name | map(_) }}", "`_` says something: call it"),
        ("{% set _ = 1 %}", "`_` says something: call it"),
    ],
)
def test_a_message_that_cannot_be_translated_is_found_with_its_line(use: str, said: str) -> None:
    assert re.fullmatch(r"templates/mine\.mjml, line 2: .*", refused(use))
    assert said in refused(use)


def test_a_projects_own_words_are_said_and_change_the_templates_hash() -> None:
    own = CatalogueFile("de", "templates/languages/de.po", 'msgid "Something of their own"\nmsgstr "Etwas Eigenes"\n')
    plain = template(BODY.replace(CARD, "{% block card %}{{ _('Something of their own') }}{% endblock %}"))
    spoken = Template(plain.name, plain.mjml, plain.text, plain.hash, (own,))
    content = replace(CONTENT, language="de")
    html, _ = render_direct(spoken, content, Arrangement(None, (("databases", (1,)),)), PERSONAL)
    assert "Etwas Eigenes" in html
    from digest.rendering.templates import make_template

    assert make_template("mine", plain.mjml, plain.text, (own,)).hash != plain.hash
