"""What can be asked for in an experiment file: the vocabulary of the text -> numbers half."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from features.corpora import ReaderOptions, option_models
from features.languages import get_language
from features.textrules import TextRules
from features.vectorfiles import vector_formats

if TYPE_CHECKING:
    CorpusSpec = ReaderOptions
    VectorFormat = str
else:
    # A reader is a file in features/corpora; its options join the vocabulary by being there.
    CorpusSpec = Annotated[Union[option_models()], Field(discriminator="reader")]  # noqa: UP007
    VectorFormat = Literal[vector_formats()]  # likewise, a file in features/vectorfiles


class SkipGram(BaseModel):
    """Word vectors trained here: skip-gram with negative sampling (Mikolov et al. 2013).

    Attributes:
        kind: Always ``skipgram``.
        dimension: Length d of a word vector.
        window: Words looked at to each side.
        min_count: Rarer words get no vector.
        negative: Noise words drawn per true context word.
        epochs: Passes over the text.
        workers: Training threads; 0 takes all cores. 1 is the exact mode: equal text, text rules,
            recipe and versions (Python, gensim, NumPy) give vectors equal bit for bit, in any
            process, on machines of one type. Several threads update the vectors without locks, in
            an order that the system decides: the vocabulary, its order and its counts are the same
            again, the vectors are not; what is kept in the cache is then what a run goes by.
            Cutting the text into tokens takes all cores in either case and never differs.
        seed: Seed of the initial vectors and of sampling.
        text: Pattern of the unlabelled text files, one text a line, found anywhere below the
            data folder; ``{lang}`` becomes the language. ``sample`` is the sample's own text,
            ``corpus`` the corpus' train texts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["skipgram"] = "skipgram"
    dimension: int = Field(default=300, ge=1, le=10_000)
    window: int = Field(default=5, ge=1, le=1_000)
    min_count: int = Field(default=5, ge=1)
    negative: int = Field(default=5, ge=1, le=1_000)
    epochs: int = Field(default=5, ge=1)
    workers: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0, lt=2**32)
    text: str = Field(default="tweets/{lang}*.txt*", min_length=1)


class VectorFile(BaseModel):
    """Ready-made word vectors.

    Attributes:
        kind: Always ``file``.
        path: The file, relative to the data folder or to the working directory; may contain
            ``{lang}``. The first three formats may be ``.gz``.
        format: ``word2vec`` text with a header line (also fastText's ``.vec``),
            ``word2vec-binary``, ``glove`` text, ``fasttext`` (Facebook's ``.bin``: a word that the
            model does not list gets a vector from its n-grams, so nearly every token has one), or
            ``keyedvectors`` (gensim's own, mapped into memory).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["file"] = "file"
    path: str = Field(min_length=1)
    format: VectorFormat = "word2vec"


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


VectorSource = Annotated[SkipGram | VectorFile, Field(discriminator="kind")]
Vectors = Annotated[tuple[VectorSource, ...], Field(min_length=1), BeforeValidator(_as_list)]
"""One source, or a list of them whose columns stand side by side."""


class LexiconChoice(BaseModel):
    """A lexicon of which more is said than its name.

    Attributes:
        name: As in a list of names.
        optional: Whether to go on without it, and say so, where its files are missing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    optional: bool = False


def _name_or_choice(value: object) -> object:
    if isinstance(value, str):
        return value
    try:
        return LexiconChoice.model_validate(value)
    except ValidationError:  # two complaints, one for each shape it could have had
        raise ValueError(
            f"expected a name, a path or {{name: NAME, optional: true}}, not {value!r}"
        ) from None


Lexicons = tuple[Annotated[str | LexiconChoice, BeforeValidator(_name_or_choice)], ...]


class FeatureSpec(BaseModel):
    """All that determines the features of one corpus in one language, beside the files' bytes.

    Attributes:
        corpus: A reader and its options.
        language: ISO 639 code.
        vectors: Where word vectors come from: one source, or several side by side. A word that one
            of several lacks takes that source's vector of "unknown" in its columns.
        lexicons: Names of lexicons, or paths of plain tables ``word, column, column...`` with
            a header; their columns are appended to the vectors in this order. One that may
            be missing is written ``{name: NAME, optional: true}``.
        text: How texts are cut into tokens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: CorpusSpec
    language: str
    vectors: Vectors = (SkipGram(),)
    lexicons: Lexicons = ()
    text: TextRules = TextRules()

    @field_validator("language")
    @classmethod
    def _is_a_code(cls, language: str) -> str:
        get_language(language)  # an InputError is a ValueError
        return language

    @field_validator("lexicons")
    @classmethod
    def _are_distinct(cls, lexicons: Lexicons) -> Lexicons:
        names = [choice if isinstance(choice, str) else choice.name for choice in lexicons]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"named twice: {', '.join(sorted(repeated))}")
        return lexicons
