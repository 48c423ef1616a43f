"""Invented words for the sample: syllables after English and Spanish spelling, meaning nothing."""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from features.languages import get_language

# Onsets, nuclei, codas and endings ("-" for none), English-like and Spanish-like; the latter
# with accents and ñ.
_SYLLABLES = {
    "en": (
        "b bl br c cl d dr f fl g gr h k l m n p pl pr qu r s sh sk sl st t th tr v w z",
        "a e i o u ai ea ee oo ou",
        "ck ft ld m n nd ng p r sk st th x",
        "- ck m nt st ed er ing le ly y",
    ),
    "es": (
        "b c d f g j l ll m n ñ p pr qu r s t tr v z br cr ch",
        "a e i o u á é í ó ia ie ue",
        "- - - - l n r s",
        "- a o as os ar ido ito ción ón al",
    ),
}

# Which emotions share ambiguous words, by position in EMOTIONS:
# 0 anger 1 anticipation 2 disgust 3 fear 4 joy 5 love 6 optimism 7 pessimism 8 sadness
# 9 surprise 10 trust.
_GROUPS = (
    (0, 2),
    (0, 2, 8),
    (0, 9),
    (1, 6),
    (1, 3),
    (3, 7, 8),
    (7, 8),
    (4, 5, 6),
    (4, 9),
    (4, 6),
    (6, 10),
    (5, 10),
)

_EMOJI = ("😡😠", "👀⌛", "🤢🙄", "😱😨", "😂😀", "💖😍", "✨🙏", "😒😞", "😢💔", "😮😳", "🤗👍")

_FUNCTION, _TOPIC, _OWN, _SHARED = 60, 2500, 16, 10


@dataclass(frozen=True)
class Lexis:
    """The words of one invented language.

    Attributes:
        function: Words that say nothing, in every text.
        topic: Words about things, unrelated to emotions.
        own: Per emotion, the words that only it uses.
        shared: Per emotion, the ambiguous words it shares with others.
        emoji: Per emotion, two emoji.
    """

    function: list[str]
    topic: list[str]
    own: list[list[str]]
    shared: list[list[str]]
    emoji: list[str]


def _words(language: str, count: int) -> list[str]:
    """Invents words that stay distinct when folded, short ones first."""
    rng = np.random.default_rng(len(language) + sum(map(ord, language)))
    onsets, nuclei, codas, endings = (
        part.replace("-", "").split(" ") for part in _SYLLABLES[language]
    )
    fold = get_language(language).fold

    def one(parts: list[str]) -> str:  # `rng.choice` makes an array of them first
        return parts[rng.integers(len(parts))]

    words: dict[str, str] = {}
    while len(words) < count:
        syllables = 1 + int(len(words) > _FUNCTION) + int(rng.random() < 0.15)
        word = "".join(one(onsets) + one(nuclei) for _ in range(syllables))
        word += one(codas if syllables == 1 else endings)
        words.setdefault(fold(word), word)
    return list(words.values())


@cache
def invent(language: str, emotions: int) -> Lexis:
    """Invents the words of a language; always the same ones.

    Args:
        language: ``en`` or ``es``.
        emotions: How many emotions need hints.
    """
    hints = emotions * _OWN + len(_GROUPS) * _SHARED
    words = iter(_words(language, _FUNCTION + _TOPIC + hints))
    function = [next(words) for _ in range(_FUNCTION)]
    own: list[list[str]] = [[next(words) for _ in range(_OWN)] for _ in range(emotions)]
    shared: list[list[str]] = [[] for _ in range(emotions)]
    # Groups take turns: the first words of a list are the frequent ones.
    for _, group in itertools.product(range(_SHARED), _GROUPS):
        word = next(words)
        for emotion in group:
            shared[emotion].append(word)
    return Lexis(function, list(words), own, shared, list(_EMOJI))
