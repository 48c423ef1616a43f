"""Corpora: labelled texts in splits; one reader per file of this folder.

A new reader is one function in one new file here: an options model that names it, and
``@corpus_reader(Options)`` on the function. Nothing else is edited.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict

from features.discovery import import_modules_of
from features.errors import InputError
from features.locate import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from features.textvectors import TextVectors

SPLITS = ("train", "dev", "test")


class ReaderOptions(BaseModel):
    """What an experiment may say about a corpus.

    A reader's own model declares ``reader: Literal["its-name"]`` and its options.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: str


@dataclass(frozen=True)
class Texts:
    """The texts of one split.

    Attributes:
        ids: m distinct names.
        texts: m raw texts.
        labels: ``[m, C]``, 0 or 1.
        vectors: Ready-made vectors, where the corpus brings its own; the texts are then not read.
    """

    ids: list[str]
    texts: list[str]
    labels: "NDArray[np.uint8]"
    vectors: "TextVectors | None" = None

    def take(self, rows: "NDArray[np.intp]") -> "Texts":
        """Copies some texts, in the order of their indices."""
        return Texts(
            [self.ids[row] for row in rows],
            [self.texts[row] for row in rows],
            self.labels[rows],
            None if self.vectors is None else self.vectors.take(rows),
        )


@dataclass(frozen=True)
class Corpus:
    """What a reader returns.

    Attributes:
        name: The corpus, for tables.
        labels: C label names in column order.
        splits: Texts by split; train and dev always, test where there is one.
        sources: The files read.
        notes: What the user should know, such as a file that was found but not usable.
    """

    name: str
    labels: tuple[str, ...]
    splits: dict[str, Texts]
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for split in dict.fromkeys(("train", "dev", *self.splits)):
            if split not in self.splits or not self.splits[split].ids:
                raise InputError(f"corpus {self.name}: expected texts in {split}, found none")
        # Where there is no test split, one half of dev chooses and the other one scores.
        if "test" not in self.splits and len(self.splits["dev"].ids) < 2:
            raise InputError(
                f"corpus {self.name}: found 1 text in dev and no test; expected at least 2 texts "
                "in dev, or a test split"
            )
        if not self.labels:
            raise InputError(f"corpus {self.name}: expected at least one label, found none")
        owner: dict[str, str] = {}
        for split, texts in self.splits.items():
            for name in texts.ids:
                if name in owner:
                    raise InputError(
                        f"corpus {self.name}: id '{name}' is in {owner[name]} and again in "
                        f"{split}; expected every id once"
                    )
                owner[name] = split
        widths = {
            split: None if texts.vectors is None else texts.vectors.values.shape[1]
            for split, texts in self.splits.items()
        }
        odd = next((split for split in widths if widths[split] != widths["train"]), None)
        if odd is not None:
            raise InputError(
                f"corpus {self.name}: vectors of {widths['train']} numbers in train and of "
                f"{widths[odd]} in {odd}; expected one length"
            )

    @property
    def has_vectors(self) -> bool:
        """Whether the corpus brings vectors of its own."""
        return self.splits["train"].vectors is not None

    def digest(self) -> str:
        """Hashes the meaning: label names and all that every split holds, in order."""
        digest = hashlib.sha256(repr(self.labels).encode())
        for split in SPLITS:
            if split in self.splits:
                texts = self.splits[split]
                digest.update(repr((split, texts.ids, texts.texts)).encode("utf-8", "replace"))
                digest.update(texts.labels.tobytes())
                if texts.vectors is not None:
                    digest.update(texts.vectors.lengths.tobytes())
                    digest.update(texts.vectors.values.data)
        return digest.hexdigest()


Reader = Callable[[Any, str, Path | None], Corpus]
_Function = TypeVar("_Function", bound=Callable[..., Corpus])
_READERS: dict[str, tuple[type[ReaderOptions], Reader]] = {}


def corpus_reader(options: type[ReaderOptions]) -> Callable[[_Function], _Function]:
    """Registers a reader: a function of (options, language, data folder) that returns a Corpus.

    Args:
        options: The reader's options; the default of its field ``reader`` is the name.
    """

    def register(function: _Function) -> _Function:
        _READERS[options.model_fields["reader"].default] = (options, function)
        return function

    return register


def option_models() -> tuple[type[ReaderOptions], ...]:
    """Lists the option models of all readers."""
    import_modules_of(__name__)
    return tuple(options for _, (options, _) in sorted(_READERS.items()))


def read_corpus(options: ReaderOptions, language: str, data: Path | None) -> Corpus:
    """Reads a corpus in one language; notes the texts that several splits hold.

    Args:
        options: A reader's options.
        language: Two-letter code.
        data: Folder below which official files are found, if any.

    Raises:
        InputError: When a file is missing or not what it has to be.
    """
    import_modules_of(__name__)
    _, reader = _READERS[options.reader]
    corpus = reader(options, language, data)
    return replace(corpus, notes=(*corpus.notes, *_shared_texts(corpus.splits)))


SplitReader = Callable[[Any, Path, str, tuple[str, ...]], Texts]
_SPLIT_READERS: dict[str, SplitReader] = {}
_SplitFunction = TypeVar("_SplitFunction", bound=SplitReader)


def split_reader(options: type[ReaderOptions]) -> Callable[[_SplitFunction], _SplitFunction]:
    """Registers how one file of a corpus is read: a function of (options, path, split, labels).

    Args:
        options: The options of the reader whose files these are.
    """

    def register(function: _SplitFunction) -> _SplitFunction:
        _SPLIT_READERS[options.model_fields["reader"].default] = function
        return function

    return register


def read_split(options: ReaderOptions, path: Path, split: str, labels: tuple[str, ...]) -> Texts:
    """Reads a split that arrives later, from one file of the corpus' own format.

    A table with the columns ``id``, ``text`` and one for each label is read for any corpus.

    Args:
        options: What the experiment said about the corpus.
        path: The file.
        split: Which split it is.
        labels: Label names, as the other splits have them.

    Raises:
        InputError: When the file is not as expected.
    """
    from features.corpora.table import Table, read_table_file
    from features.tables import ENDINGS

    import_modules_of(__name__)
    reader = _SPLIT_READERS.get(options.reader)
    if reader and (isinstance(options, Table) or path.suffix not in ENDINGS):
        return reader(options, path, split, labels)
    plain = Table(train=str(path), dev=str(path), id="id", labels=labels)
    return read_table_file(plain, path, split, labels)


def _shared_texts(splits: Mapping[str, Texts]) -> Iterator[str]:
    """Says of every split how many of its texts an earlier one holds; empty texts say nothing."""
    earlier: dict[str, set[str]] = {}
    for split in SPLITS:
        if split not in splits:
            continue
        texts = set(splits[split].texts) - {""}
        if shared := len(texts & set().union(*earlier.values())):
            counted = "1 text of {} is" if shared == 1 else f"{shared} texts of {{}} are"
            yield f"{counted.format(split)} in {' or '.join(earlier)} as well"
        earlier[split] = texts
