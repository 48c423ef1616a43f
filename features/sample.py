"""The built-in corpus: invented words, real proportions, so that everything runs with no download.

A text is drawn from its labels. The labels come from a Gaussian copula: each emotion is present
where a latent normal variable passes a threshold; the thresholds give the label frequencies of
the paper's Table 1, the correlations its groups (anger with disgust, joy with love). Words are
syllables of our own, other ones in each language. What makes the task hard stands in
:class:`Difficulty`.
"""

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from features.errors import InputError
from features.pseudowords import Lexis, invent

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMOTIONS = (
    "anger",
    "anticipation",
    "disgust",
    "fear",
    "joy",
    "love",
    "optimism",
    "pessimism",
    "sadness",
    "surprise",
    "trust",
)

# Share of the train texts that have each emotion: Table 1, counts over 6838 and 3561.
_FREQUENCY = {
    "en": (0.372, 0.143, 0.381, 0.182, 0.362, 0.102, 0.290, 0.116, 0.294, 0.053, 0.052),
    "es": (0.324, 0.117, 0.146, 0.105, 0.305, 0.073, 0.106, 0.162, 0.237, 0.047, 0.049),
}

# Few texts have no label (3.0 % and 4.6 %): this share of the empty label sets is kept, the
# others are drawn again. Drawing again makes every label more frequent by the second number.
_EMPTY = {"en": (0.37, 1.05), "es": (0.14, 1.26)}

# Loadings of each emotion on (valence, hostility, gloom); what is left to 1 is its own.
_LOADINGS = np.array(
    [
        (-0.60, 0.65, 0.00),
        (0.15, -0.10, -0.05),
        (-0.60, 0.65, 0.05),
        (-0.35, -0.20, 0.25),
        (0.85, 0.05, -0.15),
        (0.70, 0.00, 0.05),
        (0.80, -0.10, 0.00),
        (-0.45, -0.10, 0.60),
        (-0.50, 0.00, 0.70),
        (0.05, 0.15, -0.10),
        (0.60, -0.05, 0.10),
    ]
)

LANGUAGES = tuple(_FREQUENCY)
_SPLIT_CODE = {"train": 0, "dev": 1, "test": 2, "unlabelled": 3}


@dataclass(frozen=True)
class Difficulty:
    """What makes the sample hard, in one place.

    Attributes:
        length: Mean words a text by language, before emoji are spelled out.
        spread: Standard deviation of the logarithm of the length.
        longest: No text has more words.
        cue: Share of a text's words that hint at an emotion.
        stray: Share of those hints that point at an emotion drawn at random: cue noise.
        clarity: Per emotion, the share of its hints that only it uses; the others are ambiguous
            words, shared with one or two other emotions. Low for the rare ones.
        silent: Share of a text's labels that leave no trace in its words, per emotion.
        relabelled: Share of texts whose whole label set is redrawn: label noise that keeps the
            frequencies.
        emoji: Share of texts with an emoji.
        mention: Share of texts with an @user.
        hashtag: Share of hints written as a hashtag.
    """

    length: tuple[tuple[str, float], ...] = (("en", 16.6), ("es", 14.2))
    spread: float = 0.38
    longest: int = 40
    cue: float = 0.24
    stray: float = 0.18
    clarity: tuple[float, ...] = (0.5, 0.4, 0.4, 0.6, 0.6, 0.6, 0.4, 0.4, 0.45, 0.5, 0.4)
    silent: tuple[float, ...] = (0.1, 0.3, 0.15, 0.15, 0.1, 0.15, 0.2, 0.3, 0.15, 0.25, 0.3)
    relabelled: float = 0.05
    emoji: float = 0.2
    mention: float = 0.4
    hashtag: float = 0.1


DIFFICULTY = Difficulty()


def _generator(language: str, part: str, seed: int) -> np.random.Generator:
    code = LANGUAGES.index(language)
    return np.random.default_rng(np.random.SeedSequence([seed, code, _SPLIT_CODE[part]]))


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise InputError(
            f"corpus sample: has no language '{language}'; expected one of {', '.join(LANGUAGES)}"
        )


def draw_labels(language: str, m: int, rng: np.random.Generator) -> "NDArray[np.uint8]":
    """Draws label sets ``[m, 11]`` from the copula."""
    kept, gain = _EMPTY[language]
    own = np.sqrt(1 - (_LOADINGS**2).sum(axis=1))
    thresholds = [NormalDist().inv_cdf(1 - share / gain) for share in _FREQUENCY[language]]
    draws = 2 * m + 100
    factors = rng.standard_normal((draws, _LOADINGS.shape[1]))
    latent = factors @ _LOADINGS.T + own * rng.standard_normal((draws, len(EMOTIONS)))
    labels: NDArray[np.uint8] = (latent > thresholds).astype(np.uint8)
    return labels[labels.any(axis=1) | (rng.random(draws) < kept)][:m]


def _zipf(count: int) -> "NDArray[np.float64]":
    weights = 1.0 / np.arange(2, count + 2)
    return np.asarray(np.cumsum(weights / weights.sum()))


def _pick(words: list[str], count: int, rng: np.random.Generator) -> "NDArray[np.str_]":
    """Draws so many words, the first ones most often."""
    places = np.searchsorted(_zipf(len(words)), rng.random(count))
    return np.array(words)[np.minimum(places, len(words) - 1)]


def _hints(
    lexis: Lexis, emotion: "NDArray[np.int64]", rng: np.random.Generator
) -> "NDArray[np.str_]":
    """Draws one hint for each emotion asked for: a word of its own or an ambiguous one."""
    words = np.full(len(emotion), "", dtype="U24")
    clear = rng.random(len(emotion)) < np.array(DIFFICULTY.clarity)[emotion]
    for index in range(len(EMOTIONS)):
        for own, vocabulary in ((True, lexis.own[index]), (False, lexis.shared[index])):
            places = np.flatnonzero((emotion == index) & (clear == own))
            words[places] = _pick(vocabulary, len(places), rng)
    tagged = rng.random(len(emotion)) < DIFFICULTY.hashtag
    return np.where(tagged, np.char.add("#", words), words)


def draw_texts(language: str, labels: "NDArray[np.uint8]", rng: np.random.Generator) -> list[str]:
    """Draws a text for each label set ``[m, 11]``.

    Args:
        language: ``en`` or ``es``.
        labels: The emotions that the texts express.
        rng: Source of chance.
    """
    settings, lexis = DIFFICULTY, invent(language, len(EMOTIONS))
    m = len(labels)
    voiced = labels & (rng.random(labels.shape) >= np.array(settings.silent))
    location = np.log(dict(settings.length)[language]) - settings.spread**2 / 2
    lengths = np.exp(location + settings.spread * rng.standard_normal(m)).round()
    lengths = np.clip(lengths, 3, settings.longest).astype(int)

    text = np.repeat(np.arange(m), lengths)  # of each word
    words = np.where(
        rng.random(len(text)) < 0.5,
        _pick(lexis.function, len(text), rng),
        _pick(lexis.topic, len(text), rng),
    ).astype("U24")
    # Of a text's voiced emotions each hint takes one at random; strays take any.
    chance = rng.random((len(text), len(EMOTIONS))) * voiced[text]
    stray = rng.random(len(text)) < settings.stray
    emotion = np.where(stray, rng.integers(len(EMOTIONS), size=len(text)), chance.argmax(axis=1))
    hint = (rng.random(len(text)) < settings.cue) & (stray | voiced[text].any(axis=1))
    words[hint] = _hints(lexis, emotion[hint], rng)
    return _dress(words, lengths, voiced, lexis, rng)


def _dress(
    words: "NDArray[np.str_]",
    lengths: "NDArray[np.int64]",
    voiced: "NDArray[np.uint8]",
    lexis: Lexis,
    rng: np.random.Generator,
) -> list[str]:
    """Makes sentences of words: a capital, an end, sometimes a comma, a mention or an emoji."""
    m, settings = len(lengths), DIFFICULTY
    ends = rng.choice(
        np.array([".", "!", "...", "?", "!!!", ""]), m, p=[0.4, 0.15, 0.1, 0.1, 0.05, 0.2]
    )
    commas = rng.random(m) < 0.35
    mention, smile = rng.random((2, m)) < [[settings.mention], [settings.emoji]]
    handles = rng.integers(len(lexis.topic), size=m)
    stray = rng.random(m) < settings.stray
    feeling = (rng.random(voiced.shape) * (voiced + 1e-9)).argmax(axis=1)
    feeling = np.where(stray, rng.integers(len(EMOTIONS), size=m), feeling)
    which, repeats = rng.integers(2, size=m), rng.choice([1, 1, 1, 2, 3], m)
    texts, start = [], 0
    for i, length in enumerate(lengths):
        sentence = words[start : start + length].tolist()
        start += length
        if not sentence[0].startswith("#"):
            sentence[0] = sentence[0].capitalize()
        if commas[i] and length > 6:
            sentence[length // 2] += ","
        sentence[-1] += ends[i]
        if mention[i]:
            sentence.insert(0, f"@{lexis.topic[handles[i]]}{handles[i]}")
        if smile[i]:
            sentence.append(lexis.emoji[feeling[i]][which[i]] * repeats[i])
        texts.append(" ".join(sentence))
    return texts


def sample_split(
    language: str, split: str, m: int, seed: int
) -> tuple[list[str], "NDArray[np.uint8]"]:
    """Draws (texts, labels ``[m, 11]``) of one split; other splits' sizes do not matter.

    Raises:
        InputError: When the sample has no such language.
    """
    _check_language(language)
    rng = _generator(language, split, seed)
    meant = draw_labels(language, m, rng)
    texts = draw_texts(language, meant, rng)
    noisy = rng.random(m) < DIFFICULTY.relabelled
    labels = np.where(noisy[:, None], draw_labels(language, m, rng), meant)
    return texts, labels


@cache
def unlabelled(language: str, m: int = 20_000) -> tuple[str, ...]:
    """Draws texts to train word vectors on, apart from every split of every seed.

    Raises:
        InputError: When the sample has no such language.
    """
    _check_language(language)
    rng = _generator(language, "unlabelled", 0)
    return tuple(draw_texts(language, draw_labels(language, m, rng), rng))


def sample_lexicon(language: str) -> list[tuple[str, tuple[float, ...]]]:
    """Lists (word, eleven flags) for half of the hints, some flags wrong.

    Raises:
        InputError: When the sample has no such language.
    """
    _check_language(language)
    lexis = invent(language, len(EMOTIONS))
    rng = np.random.default_rng(LANGUAGES.index(language))
    flags: dict[str, NDArray[np.float64]] = {}
    for index in range(len(EMOTIONS)):
        for word in [*lexis.own[index], *lexis.shared[index]]:
            flags.setdefault(word, np.zeros(len(EMOTIONS)))[index] = 1.0
    listed = [word for word in flags if rng.random() < 0.5]
    for word in listed:
        if rng.random() < 0.1:
            flags[word][rng.integers(len(EMOTIONS))] = 1.0
    return [(word, tuple(flags[word].tolist())) for word in listed]
