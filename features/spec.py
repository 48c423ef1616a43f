"""What can be asked for in an experiment file: the vocabulary of the text -> numbers half."""

from typing import TYPE_CHECKING, Annotated, Literal, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from features.corpora import ReaderOptions, option_models
from features.languages import LANGUAGES

if TYPE_CHECKING:
    CorpusSpec = ReaderOptions
else:
    # A reader is a file in features/corpora; its options join the vocabulary by being there.
    CorpusSpec = Annotated[Union[option_models()], Field(discriminator="reader")]  # noqa: UP007


class SkipGram(BaseModel):
    """Word vectors trained here: skip-gram with negative sampling (Mikolov et al. 2013).

    Attributes:
        kind: Always ``skipgram``.
        dimension: Length d of a word vector.
        window: Words looked at to each side.
        min_count: Rarer words get no vector.
        negative: Noise words drawn per true context word.
        epochs: Passes over the text.
        workers: Training threads; 0 takes all cores. Only 1 is exactly reproducible: several
            threads update the vectors without locks.
        seed: Seed of the initial vectors and of sampling.
        text: Pattern of the unlabelled text files, one text a line, found anywhere below the
            data folder; ``{lang}`` becomes the language. ``sample`` is the sample's own text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["skipgram"] = "skipgram"
    dimension: int = Field(default=300, ge=1)
    window: int = Field(default=5, ge=1)
    min_count: int = Field(default=5, ge=1)
    negative: int = Field(default=5, ge=1)
    epochs: int = Field(default=5, ge=1)
    workers: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)
    text: str = Field(default="tweets/{lang}*.txt*", min_length=1)


class VectorFile(BaseModel):
    """Ready-made word vectors.

    Attributes:
        kind: Always ``file``.
        path: The file, plain or ``.gz``, relative to the data folder or to the working
            directory; may contain ``{lang}``.
        format: ``word2vec`` text with a header line, ``word2vec-binary``, or ``glove`` text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["file"] = "file"
    path: str = Field(min_length=1)
    format: Literal["word2vec", "word2vec-binary", "glove"] = "word2vec"


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
        language: Two-letter code.
        vectors: Where word vectors come from.
        lexicons: Names of lexicons, or paths of plain tables ``word<TAB>column<TAB>column...``
            with a header; their columns are appended to the vectors in this order. One that may
            be missing is written ``{name: NAME, optional: true}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: CorpusSpec
    language: str
    vectors: Annotated[SkipGram | VectorFile, Field(discriminator="kind")] = SkipGram()
    lexicons: Lexicons = ()

    @field_validator("language")
    @classmethod
    def _is_known(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"'{language}' is unknown; expected one of: {', '.join(LANGUAGES)}")
        return language

    @field_validator("lexicons")
    @classmethod
    def _are_distinct(cls, lexicons: Lexicons) -> Lexicons:
        names = [choice if isinstance(choice, str) else choice.name for choice in lexicons]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"named twice: {', '.join(sorted(repeated))}")
        return lexicons
