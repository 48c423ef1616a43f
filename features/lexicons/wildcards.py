"""Entries whose ``*`` stands for any ending, looked up word by word."""

from collections.abc import Iterator, Mapping

Values = tuple[float, ...]


class Prefixes(Mapping[str, Values]):
    """Finds the values of a word: its own entry, else the longest prefix before a ``*``.

    A ``*`` may stand for nothing: ``cheer*`` finds ``cheer``. What is listed, counted and hashed
    are the entries as written.
    """

    def __init__(self, entries: Mapping[str, Values]) -> None:
        self._entries = entries

    def __getitem__(self, word: str) -> Values:
        if word in self._entries:
            return self._entries[word]
        for length in range(len(word), 0, -1):
            if (prefix := f"{word[:length]}*") in self._entries:
                return self._entries[prefix]
        raise KeyError(word)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
