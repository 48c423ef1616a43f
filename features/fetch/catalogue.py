"""The corpora that `softsweep fetch` knows; another one is another entry of ``CORPORA``.

Nothing of a corpus is part of softsweep: an entry says where its makers offer it and on what terms.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class OfficialFile:
    """A file wanted from an archive.

    Attributes:
        name: Its base name; in which folder of the archive it lies does not matter, nor does case.
        sha256: Hash of its bytes, where it is known.
        optional: Whether an archive without it is good as well.
    """

    name: str
    sha256: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class OfficialCorpus:
    """A corpus as its makers offer it: one zip archive.

    Attributes:
        name: As ``softsweep fetch`` takes it, and the reader in an experiment.
        title: What it is.
        page: The page to read before, and to send others to.
        url: The archive.
        sha256: Hash of the archive as it was when the entry was made.
        terms: The makers' terms in our words, a sentence a line.
        files: What is wanted of it.
    """

    name: str
    title: str
    page: str
    url: str
    sha256: str
    terms: tuple[str, ...]
    files: tuple[OfficialFile, ...]


SEMEVAL_2018_EC = OfficialCorpus(
    name="semeval2018-ec",
    title="SemEval-2018 Task 1: Affect in Tweets, E-c (English, Spanish, Arabic)",
    page="https://competitions.codalab.org/competitions/17751",
    url="https://saifmohammad.com/WebDocs/AIT-2018/AIT2018-DATA/SemEval2018-Task1-all-data.zip",
    # As recorded by the loader of huggingface/datasets (dataset_infos.json), 5,975,590 bytes.
    sha256="8979a6ca0bd259ef375a44d812fd434efa799c66bc377e25cda599aa767640eb",
    terms=(
        "Copyright National Research Council Canada (NRC), 2018.",
        "Work that uses the data cites: Mohammad, Bravo-Marquez, Salameh and Kiritchenko (2018), "
        "SemEval-2018 Task 1: Affect in Tweets.",
        "The data may not be passed on: whoever wants it is sent to the official page.",
        "NRC answers for no use of it and gives no technical support.",
    ),
    files=(
        OfficialFile(
            "2018-E-c-En-train.txt",
            "9e470a60b4dad2f7f3ac1591b582e0ab48af19990d0af0354d2e89501526d57d",
        ),
        OfficialFile(
            "2018-E-c-En-dev.txt",
            "bcb192bd4df68cf440dff7c4ceb8873be964e9c71d01a669c2f329506dbd5d95",
        ),
        OfficialFile("2018-E-c-En-test-gold.txt"),
        OfficialFile(
            "2018-E-c-Es-train.txt",
            "313fd8cabde01cd74db8ee530a50cf16f61f9118e08102796522b3c5d9aff7fb",
        ),
        OfficialFile(
            "2018-E-c-Es-dev.txt",
            "b3e94b9019fe5223928125dc9885a428d2ae912f369134da4730642fdb89f12d",
        ),
        OfficialFile("2018-E-c-Es-test-gold.txt"),
        OfficialFile(
            "2018-E-c-Ar-train.txt",
            "c82f0509223287e086b4da7a314277b5d75f53aa94b742114fc85ce6292b4d3a",
        ),
        OfficialFile(
            "2018-E-c-Ar-dev.txt",
            "f53187b1594830a6c8bc0fe479c64c99f3f79b7dda868df7f60efa62916ca302",
        ),
        OfficialFile("2018-E-c-Ar-test-gold.txt"),
        OfficialFile("readme.txt", optional=True),
    ),
)

CORPORA = {corpus.name: corpus for corpus in (SEMEVAL_2018_EC,)}
"""Every corpus that can be fetched, by name."""
