"""Which words of a file stand for which tokens."""

from features.text import fold_word

_EMOJI_PRESENTATION = "\ufe0f"


class Match:
    """Decides which words of a file stand for the words asked for.

    Files may keep capitals and accents that tokens have lost, and the sign that asks for an
    emoji's colours (U+FE0F), which tokens never have: a word counts under its spelling without
    them, unless the file has the very spelling of the token too. Of equals the first, most
    frequent, wins.
    """

    def __init__(self, wanted: set[str], language: str) -> None:
        self._wanted, self._language = wanted, language
        self._exact: dict[str, int] = {}
        self._folded: dict[str, int] = {}

    def offer(self, word: str, place: int) -> bool:
        """Takes note of a word of the file; tells whether it may be needed."""
        if word in self._wanted:
            return self._exact.setdefault(word, place) == place
        folded = fold_word(word, self._language).replace(_EMOJI_PRESENTATION, "")
        return folded in self._wanted and self._folded.setdefault(folded, place) == place

    def places(self) -> dict[str, int]:
        """Gives the place of each word found."""
        return self._folded | self._exact

    def missing(self) -> list[str]:
        """Lists the words asked for that the file has not, in alphabetical order."""
        return sorted(self._wanted - self._exact.keys() - self._folded.keys())
