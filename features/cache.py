"""The feature cache: text -> numbers once, found again by the content of everything that went in.

An entry ``<cache>/<key>/`` is written once, by one process, and never changed. One that is not as
it was written, by its checksums, is built again.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

from features.content import damage, mark_used, written_whole
from features.entry import Features, open_features
from features.inputs import read_inputs
from features.progress import Progress, Say
from features.skipgram import entry_of
from features.spec import FeatureSpec
from features.writing import write_entry


def _no_report(step: str, fraction: float) -> None:
    """Stands in where nobody watches."""


def _bring_nothing(entry: Path) -> None:
    """Stands in where entries come from nowhere else."""


def find(
    spec: FeatureSpec,
    data: Path | None,
    cache: Path,
    say: Say = warnings.warn,
    bring: Callable[[Path], None] = _bring_nothing,
) -> Features | None:
    """Opens the entry of a spec if it has been built and is as it was written.

    Reads and hashes the inputs and the entry, builds nothing.

    Args:
        spec: What is asked for.
        data: Folder below which official files are found, if any.
        cache: The cache folder.
        say: Told when the entry is damaged.
        bring: Told which entry is wanted, so that it can be put there from elsewhere.

    Raises:
        InputError: When an input is missing or malformed.
    """
    entry = cache / read_inputs(spec, data).key
    bring(entry)
    if not entry.is_dir():
        return None
    if trouble := damage(entry):
        say(trouble)
        return None
    return open_features(entry)


def build(
    spec: FeatureSpec,
    data: Path | None,
    cache: Path,
    progress: Progress | None = None,
    say: Say = warnings.warn,
    bring: Callable[[Path], None] = _bring_nothing,
) -> Features:
    """Returns the features of a spec, building them if they are not in the cache.

    Of several processes that want the same entry, one builds and the others wait.

    Args:
        spec: What is asked for.
        data: Folder below which official files are found, if any.
        cache: The cache folder; made if absent.
        progress: Told the step and its fraction done, 0 to 1.
        say: Told when something in the cache is damaged and therefore built again.
        bring: Told which entry is wanted, so that it can be put there from elsewhere.

    Raises:
        InputError: When an input is missing or malformed, or the cache cannot be written.
    """
    report = progress or _no_report
    report("reading corpus and lexicons", 0.0)
    inputs = read_inputs(spec, data)
    entry = cache / inputs.key
    bring(entry)
    if not entry.is_dir():
        for part in inputs.vectors.parts:
            bring(entry_of(part.key, cache))
    with written_whole(entry, say) as new:
        if new is not None:
            write_entry(spec, inputs, cache, new, report, say)
    # Another entry of this corpus, with other lexicons say, has to find the very same vectors.
    for part in inputs.vectors.parts:
        mark_used(entry_of(part.key, cache))
    return open_features(entry)
