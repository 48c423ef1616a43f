"""ML-SentiCon: 11,542 Spanish lemmas in eight layers, from the surest to the least sure.

Format: XML; ``<lemma pos="a" pol="0.7" std="0.1"> word </lemma>`` in layers of positive and
negative ones; ``_`` joins the words of a phrase. A layer lists what it adds to those above; all
are read.
Columns: ``polarity``, in [-1, 1], and ``deviation``, its standard deviation, from 0; the means over
a lemma's parts of speech, and over lemmas that become one word without their accents. Lemmas match
texts as written alone.
Licence: none stated; cite Cruz, Troyano, Pontes and Ortega, "Building layered, multilingual
sentiment lexicons at synset and lemma levels", Expert Systems with Applications 41(13), 2014.
From: Fermín Cruz, University of Seville, http://www.lsi.us.es/~fermin/
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.parsers import expat

from features.errors import InputError
from features.lexicons import Entry, lexicon, number


@lexicon(
    "ml-senticon",
    columns=("polarity", "deviation"),
    files={"es": [("senticon.es.xml",)]},
)
def read_ml_senticon(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (lemma, polarity and deviation), once for each part of speech.

    Raises:
        InputError: When the file is not XML, or a lemma has no number there or one out of range.
    """
    path = paths[0]
    for line, lemma, values in _lemmas(path):
        polarity, deviation = (number(path, line, values.get(name, "")) for name in ("pol", "std"))
        if abs(polarity) > 1 or deviation < 0:
            raise InputError(
                f"{path}, line {line}: pol {polarity:g}, std {deviation:g}; expected pol from -1 "
                "to 1 and std from 0"
            )
        yield lemma.replace("_", " "), (polarity, deviation)


def _lemmas(path: Path) -> list[tuple[int, str, dict[str, str]]]:
    """Lists (line, text, attributes) of every lemma; of the parsers, only expat tells the line."""
    found: list[tuple[int, str, dict[str, str]]] = []
    text: list[str] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        text.clear()
        if tag == "lemma":
            found.append((parser.CurrentLineNumber, "", attributes))

    def end(tag: str) -> None:
        if tag == "lemma":
            line, _, attributes = found[-1]
            found[-1] = (line, "".join(text), attributes)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise InputError(f"{path}, line {error.lineno}: {what}; expected XML") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return found
