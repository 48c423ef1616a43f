"""How much of a corpus the vectors and lexicons know."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.lexicons import Lexicon

UNKNOWN_LISTED = 15
"""How many of the most frequent unknown words are worth a look."""


def coverage(
    tokens: Mapping[str, Sequence[Sequence[str]]],
    with_vector: Container[str],
    by_source: Mapping[str, Container[str]],
    lexicons: "Iterable[Lexicon]",
) -> dict[str, dict[str, int]]:
    """Counts, per split, the tokens and types that have a vector or a lexicon entry.

    Args:
        tokens: Tokenised texts by split.
        with_vector: The words that have a vector of their own.
        by_source: Those of each source, where vectors of several stand side by side.
        lexicons: The lexicons.

    Returns:
        By split: ``tokens``, ``types``, and for ``vector``, each ``vector of SOURCE`` and each
        ``lexicon NAME`` the ``tokens with ...`` and ``types with ...``.
    """
    known: dict[str, Container[str]] = {"vector": with_vector}
    known |= {f"vector of {name}": words for name, words in by_source.items()}
    known |= {f"lexicon {lexicon.name}": lexicon.entries for lexicon in lexicons}
    counted = {}
    for split, texts in tokens.items():
        counts = Counter(word for text in texts for word in text)
        row = {"tokens": counts.total(), "types": len(counts)}
        for name, words in known.items():
            row[f"tokens with {name}"] = sum(counts[word] for word in counts if word in words)
            row[f"types with {name}"] = sum(1 for word in counts if word in words)
        counted[split] = row
    return counted


def unknown_words(
    texts: Iterable[Sequence[str]], with_vector: Container[str]
) -> list[tuple[str, int]]:
    """Lists the most frequent words that have no vector.

    Args:
        texts: Tokenised texts.
        with_vector: The words that have a vector of their own.

    Returns:
        At most `UNKNOWN_LISTED` words and how often they occur; of equally frequent ones the first
        by name.
    """
    counts = Counter(word for text in texts for word in text if word not in with_vector)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:UNKNOWN_LISTED]
