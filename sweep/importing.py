"""Another system's predictions from a file."""

from pathlib import Path

from features.tables import read_columns
from model.catalogue import catalogue
from results.external import Imported, import_predictions
from results.mirror import local_folder
from sweep.errors import ExperimentError
from sweep.predicting import one_of


def import_file(
    run: str | Path,
    file: str | Path,
    name: str,
    *,
    seed: int = 0,
    label: str = "",
    split: str | None = None,
    language: str | None = None,
    logits: bool = False,
    replace: bool = False,
) -> Imported:
    """Record a file's predictions as an arm; see `results.external.import_predictions`.

    Args:
        run: the run folder.
        file: a table (.csv, .tsv, .jsonl, .parquet) with a column `id` and one for each label.
        name: of the system.
        seed: of its run.
        label: in tables.
        split: test or dev; by default what the ids are of.
        language: where ids are of several.
        logits: whether values are logits rather than probabilities.
        replace: whether to forget what was imported under this name and seed.

    Raises:
        ExperimentError, InputError, RecordError: the file is not as expected.
    """
    if split is not None:
        one_of("--split", split, ("test", "dev"))
    losses = catalogue().values()
    taken = {called.casefold() for loss in losses for called in (loss.name, loss.label)}
    for option, given in (("--name", name), ("--label", label)):
        if given.casefold() in taken:
            raise ExperimentError(f"{option} {given}: is a built-in loss; expected another name")
    return import_predictions(
        local_folder(run),
        read_columns(Path(file)),
        name,
        seed=seed,
        label=label,
        split=split,
        language=language,
        logits=logits,
        replace=replace,
    )
