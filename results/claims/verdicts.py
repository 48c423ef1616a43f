"""The verdicts of a run on claims: the paper's, or a user's own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from results.claims.decision import UNDECIDED, Opinion
from results.claims.measures import Measures, Pair
from results.claims.registry import functions, paper_file
from results.claims.written import read_claims
from results.errors import DamagedError, GoneError, RecordError
from results.layout import LANGUAGES

if TYPE_CHECKING:
    from results.findings import Findings


@dataclass(frozen=True)
class Verdict:
    """What a run says of a claim in one corpus and language.

    Attributes:
        number: what the claim goes by.
        claim: what it says.
        corpus: where it was judged; empty where the run has no such language.
        language: its language.
        verdict: confirmed, contradicted or undecided.
        because: the numbers behind it, in words.
        source: where the claim is from.
    """

    number: str
    claim: str
    corpus: str
    language: str
    verdict: str
    because: str
    source: str


def verdicts(findings: "Findings", file: Path | None = None) -> list[Verdict]:
    """The verdicts on every claim, in the order of their numbers.

    Args:
        findings: what is known of a run.
        file: claims in YAML; by default the paper's.

    Raises:
        RecordError: the file is wrong, or records are damaged or incomplete.
    """
    asked: list[Asked] = [
        Asked(one.number, one.words, one.source, one.languages, one.opinion)
        for one in read_claims(file or paper_file())
    ]
    if file is None:
        asked += [
            Asked(
                one.number,
                f"{name}: {one.words}" if name else one.words,
                one.source,
                one.languages,
                partial(one.judge, subject),
            )
            for one in functions()
            for subject, name in one.subjects.items()
        ]
        asked.sort(key=lambda one: int(one.number))
    measures = Measures(findings)
    return [verdict for one in asked for verdict in _each(measures, one)]


@dataclass(frozen=True)
class Asked:
    """A claim as it is asked of a run; what its parts mean is said of `Verdict`."""

    number: str
    claim: str
    source: str
    languages: Sequence[str]
    opinion: Callable[[Measures, Pair], Opinion]


def _each(measures: Measures, asked: Asked) -> Iterator[Verdict]:
    """The verdict of each corpus and language that a claim is about."""

    def verdict(corpus: str, language: str, opinion: Opinion) -> Verdict:
        return Verdict(
            asked.number,
            asked.claim,
            corpus,
            language,
            opinion.verdict,
            opinion.because,
            asked.source,
        )

    for pair in measures.pairs:
        if not asked.languages or pair[1] in asked.languages:
            yield verdict(*pair, _said(measures, pair, asked))
    for language in asked.languages:
        if all(language != recorded for _, recorded in measures.pairs):
            because = f"{LANGUAGES.get(language, f'language {language}')} is not recorded."
            yield verdict("", language, Opinion(UNDECIDED, because))


def _said(measures: Measures, pair: Pair, asked: Asked) -> Opinion:
    """What a corpus and language say of a claim; where they cannot, the reason."""
    try:
        return asked.opinion(measures, pair)
    except (DamagedError, GoneError):
        raise
    except RecordError as error:
        return Opinion(UNDECIDED, f"{str(error).rstrip('.')}.")
