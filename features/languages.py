"""What is particular to one language, as data: adding a language is adding a row here."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from features.errors import InputError

# Fathatan to sukun, the superscript alef, and the tatweel that only stretches a word.
_ARABIC_MARKS = dict.fromkeys([*range(0x064B, 0x0653), 0x0670, 0x0640])


def strip_accents(text: str) -> str:
    """Removes every combining mark: á -> a, ñ -> n, ü -> u."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def _strip_arabic_marks(text: str) -> str:
    return text.translate(_ARABIC_MARKS)


def _as_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Language:
    """The rules of one language.

    Attributes:
        code: Two-letter code, as experiments write it and ``{lang}`` expands to.
        semeval: The infix of the official SemEval-2018 file names.
        fold: Maps spellings that count as the same word onto one; applied before tokenising
            and to lexicon entries alike.
    """

    code: str
    semeval: str
    fold: Callable[[str], str]


LANGUAGES: dict[str, Language] = {
    "en": Language("en", "En", _as_is),
    "es": Language("es", "Es", strip_accents),
    "ar": Language("ar", "Ar", _strip_arabic_marks),
}


def get_language(code: str) -> Language:
    """Looks a language up.

    Args:
        code: Two-letter code.

    Raises:
        InputError: When the language is not known.
    """
    if code not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise InputError(f"language '{code}' is unknown; expected one of: {known}")
    return LANGUAGES[code]
