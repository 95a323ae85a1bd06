"""Languages: Digest's own words in a reader's language, and which language that is."""

from digest.languages.catalogues import CatalogueFile, languages_with_words, read_catalogues
from digest.languages.locales import locale_of
from digest.languages.words import Words, words_in

__all__ = ["CatalogueFile", "Words", "languages_with_words", "locale_of", "read_catalogues", "words_in"]
