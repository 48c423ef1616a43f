"""Reads everything that goes into the features of a corpus, and names the features by it."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from features.content import content_key
from features.corpora import Corpus, read_corpus
from features.errors import InputError
from features.lexicons import FoundLexicon, find_lexicon
from features.spec import FeatureSpec, LexiconChoice
from features.text import TEXT_RULES
from features.vectors import VectorPlan, plan_vectors

FEATURE_RULES = "2"
"""Raise this when equal input gives other files: it is part of every key."""


@dataclass(frozen=True)
class Inputs:
    """Everything that goes in.

    Attributes:
        corpus: Labelled texts.
        lexicons: Those that were found, in column order; they are read where they are needed.
        vectors: Where word vectors will come from; no part of it where the corpus has its own.
        key: Names the features by all of it.
        notes: What the user should be told.
    """

    corpus: Corpus
    lexicons: tuple[FoundLexicon, ...]
    vectors: VectorPlan
    key: str
    notes: tuple[str, ...]


def read_inputs(spec: FeatureSpec, data: Path | None) -> Inputs:
    """Reads the corpus, and finds the lexicons and what the vectors come from.

    Args:
        spec: What is asked for.
        data: Folder below which official files are found, if any.

    Raises:
        InputError: When an input is missing or malformed.
    """
    corpus = read_corpus(spec.corpus, spec.language, data)
    if corpus.has_vectors:
        _refuse_words(spec, corpus)
    wanted = [LexiconChoice(name=c) if isinstance(c, str) else c for c in spec.lexicons]
    lexicons = [
        find_lexicon(choice.name, spec.language, data, optional=choice.optional)
        for choice in wanted
    ]
    train = corpus.splits["train"].texts
    vectors = VectorPlan(()) if corpus.has_vectors else plan_vectors(spec, data, train)
    key = content_key(
        {
            "corpus": [corpus.name, corpus.digest(), [file.sha256 for file in corpus.sources]],
            "language": spec.language,
            "vectors": vectors.key,
            "lexicons": [lexicon.key() for lexicon in lexicons],
            "text": spec.text.model_dump(),
            "rules": [FEATURE_RULES, TEXT_RULES, version("emoji")],
        }
    )
    notes = (*corpus.notes, *(note for lexicon in lexicons for note in lexicon.notes))
    # One that was skipped counts in the key, so that its note is not lost to an older entry.
    found = tuple(lexicon for lexicon in lexicons if lexicon.form)
    return Inputs(corpus, found, vectors, key, notes)


def _refuse_words(spec: FeatureSpec, corpus: Corpus) -> None:
    """Refuses what is said about words where vectors are ready-made."""
    for key in ("vectors", "lexicons", "text"):
        if getattr(spec, key) != FeatureSpec.model_fields[key].default:
            raise InputError(
                f"{key}: expected none, as corpus {corpus.name} brings vectors of its own and its "
                "words are not looked at"
            )
