"""How much of a corpus the vectors and lexicons know."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.lexicons import Lexicon


def coverage(
    tokens: Mapping[str, Sequence[Sequence[str]]],
    with_vector: set[str],
    lexicons: "Iterable[Lexicon]",
) -> dict[str, dict[str, int]]:
    """Counts, per split, the tokens and types that have a vector or a lexicon entry.

    Args:
        tokens: Tokenised texts by split.
        with_vector: The words that have a vector of their own.
        lexicons: The lexicons.

    Returns:
        By split: ``tokens``, ``types``, and for ``vector`` and each ``lexicon NAME`` the
        ``tokens with ...`` and ``types with ...``.
    """
    known: dict[str, Container[str]] = {"vector": with_vector}
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
