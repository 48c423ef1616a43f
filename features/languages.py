"""What is particular to one language, as data: adding a language is adding a row here.

A language without a row is read by the rules that hold for all: nothing is folded.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from features.errors import InputError

_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

# As Larkey, Ballesteros and Connell (2002) normalise Arabic: fathatan to sukun, the superscript
# alef and the tatweel go; alef with hamza or madda is alef, final alef maqsura ya, ta marbuta ha.
_ARABIC = {
    **dict.fromkeys([*range(0x064B, 0x0653), 0x0670, 0x0640]),
    **dict.fromkeys(map(ord, "آأإٱ"), "ا"),
    ord("ى"): "ي",
    ord("ة"): "ه",
}


def strip_accents(text: str) -> str:
    """Removes every combining mark: á -> a, ñ -> n, ü -> u."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    bare = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _normalize_arabic(text: str) -> str:
    return text.translate(_ARABIC)


def _as_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Language:
    """The rules of one language.

    Attributes:
        code: ISO 639 code, as experiments write it and ``{lang}`` expands to.
        semeval: The infix of the official SemEval-2018 file names.
        fold: Maps lower-case spellings that count as the same word onto one; applied to texts and
            lexicon entries alike.
        abbreviations: Words that keep the full stop after them.
    """

    code: str
    semeval: str
    fold: Callable[[str], str] = _as_is
    abbreviations: tuple[str, ...] = ()


LANGUAGES: dict[str, Language] = {
    "en": Language("en", "En", abbreviations=("mr", "mrs", "ms", "dr", "jr", "st", "vs")),
    "es": Language("es", "Es", strip_accents, ("sr", "sra", "srta", "dr", "dra", "ud", "uds")),
    "ar": Language("ar", "Ar", _normalize_arabic),
}


def get_language(code: str) -> Language:
    """Looks a language up; one without a row folds nothing.

    Args:
        code: ISO 639 code, ``de`` or ``ast``, also with a region, ``pt-BR``.

    Raises:
        InputError: When that is no code of a language.
    """
    if not _CODE.fullmatch(code):
        raise InputError(f"language {code!r}: expected an ISO 639 code such as en, de or pt-BR")
    return LANGUAGES.get(code) or Language(code, code.capitalize())
