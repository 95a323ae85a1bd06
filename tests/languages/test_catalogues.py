"""The catalogues: those that ship are whole, and those that a project brings are told what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from digest.errors import TemplateError
from digest.languages import CatalogueFile, languages_with_words, locale_of, read_catalogues, words_in
from digest.languages.catalogues import parse, placeholders, shipped_catalogues

from .extracting import messages

SHIPPED = ("ar", "de", "es", "fr", "ja", "pt")
CATALOGUES = pytest.mark.parametrize("catalogue", shipped_catalogues(), ids=lambda one: one.language)
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


def own(text: str, language: str = "de") -> CatalogueFile:
    return CatalogueFile(language, f"templates/languages/{language}.po", HEADER + text)


def texts(message: Any) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def ids(catalogue: Catalog) -> set[object]:
    return {message.id for message in catalogue if message.id}


def test_seven_languages_ship() -> None:
    assert languages_with_words() == ("ar", "de", "en", "es", "fr", "ja", "pt")
    assert tuple(one.language for one in shipped_catalogues()) == SHIPPED


@CATALOGUES
def test_no_message_is_missing_in_a_shipped_catalogue_and_none_is_stale(catalogue: CatalogueFile) -> None:
    """When this fails: `make words`, and translate what stands empty in digest/languages."""
    said, known = ids(messages()), ids(parse(catalogue))
    assert said, "no message was found at all"
    assert known == said


@CATALOGUES
def test_every_message_of_a_shipped_catalogue_is_translated_in_every_plural_form_its_language_has(
    catalogue: CatalogueFile,
) -> None:
    parsed = parse(catalogue)
    for message in parsed:
        if message.id:
            assert not message.fuzzy, message.id
            assert all(text.strip() for text in texts(message)), message.id
            assert len(texts(message)) == (parsed.num_plurals if message.pluralizable else 1), message.id


@CATALOGUES
def test_a_shipped_translation_has_the_placeholders_of_the_english(catalogue: CatalogueFile) -> None:
    for message in parse(catalogue):
        if message.id:
            english = placeholders(message.id if isinstance(message.id, str) else message.id[1])
            for text in texts(message):
                assert placeholders(text) in (english, english - {"num"} if message.pluralizable else english), text


@CATALOGUES
def test_plural_forms_are_those_of_the_languages_own_rules(catalogue: CatalogueFile) -> None:
    """CLDR names the form of a number, the catalogue's header counts it: two numbers share the one when they share the other."""
    parsed, rule = parse(catalogue), locale_of(catalogue.language).plural_form
    forms: dict[str, set[int]] = {}
    from gettext import c2py

    form_of = c2py(parsed.plural_expr)
    for number in range(1001):
        forms.setdefault(rule(number), set()).add(form_of(number))
    assert all(len(found) == 1 for found in forms.values()), forms
    assert len({form for found in forms.values() for form in found}) == len(forms) == parsed.num_plurals


@pytest.mark.parametrize("language", [*SHIPPED, "en"])
def test_a_number_is_said_by_the_languages_plural_rules(language: str) -> None:
    def said(number: int) -> str:
        return words_in(language).translate_counted("%(num)s min read", "%(num)s min read", number)

    distinct = {"ar": 5, "ja": 1, "en": 1}.get(language, 2)  # of Arabic's six, the last two are spelt alike here
    assert len({said(number) for number in range(120)}) == distinct
    assert said(1) != said(2) or language in ("ja", "en")


def test_arabic_has_a_form_for_two_for_a_few_and_for_many() -> None:
    said = [
        words_in("ar").translate_counted("%(num)s min read", "%(num)s min read", number)
        for number in (1, 2, 3, 10, 11, 99, 100, 103)
    ]
    one, two, few, ten, many, ninety_nine, hundred, again = said
    assert len({one, two, few, many}) == 4
    assert (ten, again) == (few, few)
    assert (ninety_nine, hundred) == (many, many)


def test_what_is_not_translated_is_english_and_never_empty() -> None:
    for words in (words_in("xx"), words_in("en"), words_in("de", (own('msgid "Unsubscribe"\nmsgstr ""\n'),))):
        assert words.translate("A message that nobody has translated") == "A message that nobody has translated"
        assert words.translate_counted("%(num)s thing", "%(num)s things", 1) == "%(num)s thing"
        assert words.translate_counted("%(num)s thing", "%(num)s things", 2) == "%(num)s things"
    assert words.translate("Unsubscribe") == "Abbestellen"


def test_an_empty_plural_form_is_english() -> None:
    half = own('msgid "%(num)s thing"\nmsgid_plural "%(num)s things"\nmsgstr[0] "%(num)s Ding"\nmsgstr[1] ""\n')
    assert words_in("de", (half,)).translate_counted("%(num)s thing", "%(num)s things", 1) == "%(num)s Ding"
    assert words_in("de", (half,)).translate_counted("%(num)s thing", "%(num)s things", 5) == "%(num)s things"


def test_a_projects_words_win_and_the_wider_language_helps_out() -> None:
    brazil = own('msgid "Read the article"\nmsgstr "Leia o artigo"\n', "pt-BR")
    words = words_in("pt-BR", (brazil,))
    assert (words.translate("Read the article"), words.translate("Unsubscribe")) == ("Leia o artigo", "Cancelar a inscrição")
    assert words_in("pt-PT", (brazil,)).translate("Read the article") == "Ler o artigo"
    assert words_in("PT-br", (brazil,)).translate("Read the article") == "Leia o artigo"
    ours = own('msgid "Unsubscribe"\nmsgstr "Leave us"\n', "en")
    assert words_in("en", (ours,)).translate("Unsubscribe") == "Leave us"


def test_a_project_may_bring_a_language(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    (folder / "languages").mkdir(parents=True)
    (folder / "languages" / "nl.po").write_text(HEADER + 'msgid "Unsubscribe"\nmsgstr "Afmelden"\n', "utf-8")
    found = read_catalogues([folder, tmp_path / "elsewhere"])
    assert [(one.language, one.file) for one in found] == [("nl", "templates/languages/nl.po")]
    assert "nl" in languages_with_words(found)
    assert words_in("nl", found).translate("Unsubscribe") == "Afmelden"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'msgid "It was sent to %(email)s."\nmsgstr "An %(mail)s."\n',
            "line 4: 'It was sent to %(email)s.': a translation has the",
        ),
        (
            'msgid "It was sent to %(email)s."\nmsgstr "Gesendet."\n',
            "a translation has the placeholders of the English, which has %(email)s",
        ),
        ('msgid "Unsubscribe"\nmsgstr "100% weg"\n', "write a value as %(name)s, and a percent sign as %%"),
        ('msgid "Unsubscribe"\nmsgstr "Weg\n', "line 5: write msgid or msgstr and a text in"),
        ("gibberish\n", "line 4: write msgid or msgstr and a text in"),
    ],
)
def test_what_is_wrong_with_a_projects_catalogue_is_said_with_file_and_line(text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(said)) as raised:
        words_in("de", (own(text),))
    assert str(raised.value).startswith("templates/languages/de.po, line ")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("nplurals=2; plural=(n !== 1);", "Plural-Forms: invalid token in plural form: ="),
        ("nplurals=2; plural=n/0;", "Plural-Forms: integer division or modulo by zero"),
        ("nplurals=2; plural=__import__(1);", "Plural-Forms: invalid token in plural form: __import__"),
        (f"nplurals=2; plural={'(' * 2000}n{')' * 2000};", "Plural-Forms: plural form expression is too long"),
        ("nplurals=2; plural=n;", "Plural-Forms: for 2 it names form 2, and there are 2, the first of them 0"),
    ],
)
def test_a_plural_rule_that_does_not_work_is_said_with_file_and_line(rule: str, said: str) -> None:
    header = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {rule}\\n"\n'
    with pytest.raises(TemplateError) as raised:
        words_in("nl", (CatalogueFile("nl", "templates/languages/nl.po", header),))
    assert str(raised.value).startswith(f"templates/languages/nl.po, line 4: {said}")


@pytest.mark.parametrize("charset", ["iso-8859-1", "ascii", "no-such"])
def test_a_catalogue_is_utf_8_whatever_its_header_says(charset: str) -> None:
    text = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset={charset}\\n"\n\nmsgid "Unsubscribe"\nmsgstr "Désabonner 登録解除"\n'
    assert words_in("fr", (CatalogueFile("fr", "fr.po", text),)).translate("Unsubscribe") == "Désabonner 登録解除"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("german words.po", b"", "a catalogue is called by its language, such as de.po or pt-BR.po"),
        ("de.po", b"# one\n\xff", "templates/languages/de.po, line 2: not UTF-8"),
        ("de.po", b"#" * 1_000_001, "is larger than 1,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_a_catalogue_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    folder = tmp_path / "templates"
    (folder / "languages").mkdir(parents=True)
    (folder / "languages" / name).write_bytes(content)
    with pytest.raises(TemplateError, match=re.escape(said)):
        read_catalogues([folder])


def test_a_catalogue_that_cannot_be_read_is_refused_as_a_template_is(tmp_path: Path) -> None:
    (tmp_path / "languages" / "de.po").mkdir(parents=True)
    with pytest.raises(TemplateError, match=r"/languages/de\.po cannot be read: Is a directory"):
        read_catalogues([tmp_path])


def test_the_catalogue_of_the_documentation_is_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "languages.md"
    (shown,) = re.findall(r"```po\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    words = words_in("de", (CatalogueFile("de", "templates/languages/de.po", shown),))
    assert words.translate("Read the article") == "Weiterlesen"
    assert words.translate_counted("%(num)s min read", "%(num)s min read", 1) == "eine Minute"
    assert words.translate("Unsubscribe") == "Abbestellen"
