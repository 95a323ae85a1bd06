"""Words: what Digest says by itself, in one language, and in English where a catalogue has no word for it."""

from __future__ import annotations

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO

from digest.languages.catalogues import CatalogueFile, catalogues_for, parse
from digest.languages.locales import locale_of


class Words:
    """Our own words in one language. What is not translated is English, never empty."""

    def __init__(self, language: str, translations: NullTranslations) -> None:
        self.language = language
        self._translations = translations

    def translate(self, message: str) -> str:
        """A message, given in English, with its placeholders still in it."""
        return self._translations.gettext(message)

    def translate_counted(self, one: str, many: str, number: int) -> str:
        """The message for a number by the language's own plural rules, with its placeholders still in it."""
        return self._translations.ngettext(one, many, number)

    def number(self, number: float) -> str:
        """A number as the language writes it."""
        return write_number(number, self.language)


@lru_cache(maxsize=64)
def words_in(language: str, own: tuple[CatalogueFile, ...] = ()) -> Words:
    """The words of a language; the catalogues a project brings are `own`. A broken one is a TemplateError."""
    chain = [_translations(catalogue) for catalogue in catalogues_for(language, own)]
    first: NullTranslations = NullTranslations()
    for translations in reversed(chain):
        translations.add_fallback(first)
        first = translations
    return Words(language, first)


@lru_cache(maxsize=1024)  # the same minutes again and again
def write_number(number: float, language: str) -> str:
    """A number as a language writes it."""
    from babel.numbers import format_decimal

    return format_decimal(number, locale=locale_of(language))


def _translations(catalogue: CatalogueFile) -> NullTranslations:
    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, parse(catalogue))
    compiled.seek(0)
    return GNUTranslations(compiled)
