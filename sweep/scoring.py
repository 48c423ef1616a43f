"""A test split that arrives after its arms were trained: recorded, and predicted by what was kept.

From then on everything is scored on it, with epochs chosen on dev. An arm is recorded once more,
with all that was recorded of it and its predictions for the new texts; that row counts.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from features import Features, InputError
from features.corpora import Texts, read_split
from features.later import LaterTexts, find_entry, later_texts
from features.spec import FeatureSpec
from results.records import merge_parts, predictions_table, record_later, record_trial
from results.run import Run
from results.schemas import EXTERNAL
from sweep.cachestore import bring_features
from sweep.errors import ExperimentError
from sweep.kept import (
    Network,
    Row,
    check_weights,
    kept_arms,
    recorded_on_dev,
    weights_of_arm,
)
from sweep.predicting import coverage

if TYPE_CHECKING:
    from model.weights import WeightsFile

TEST = "test"
"""The one split that may arrive later: dev chose the epochs."""

_NAMED = 3
"""Ids or arms that a message names."""

_SOON = timedelta(microseconds=1)
"""By how much later the new row of an arm was finished: just enough to count instead."""


@dataclass(frozen=True)
class Scored:
    """What was done.

    Attributes:
        corpus: whose texts they are.
        language: their language.
        texts: how many there are.
        scored: arms whose predictions were recorded now.
        already: arms that had been scored on these texts before.
        weightless: trained arms that cannot be, for no weights of theirs were kept that can be
            used.
        external: imported arms whose predictions for these texts are still to be imported.
        coverage: how much of the texts vectors and lexicons know.
    """

    corpus: str
    language: str
    texts: int
    scored: int
    already: int
    weightless: Sequence[Row]
    external: Sequence[Row]
    coverage: str

    @property
    def lines(self) -> list[str]:
        """What was done and what could not be, in sentences."""
        said = f"{self.scored} arms scored"
        said += f", {self.already} were already" if self.already else ""
        lines = [
            f"{self.corpus} {self.language}, {self.texts:,} test texts: {said}; {self.coverage}"
        ]
        if self.weightless:
            lines.append(
                f"{len(self.weightless)} arms kept no weights of use and have no number on test: "
                f"{_listed(self.weightless)}"
            )
        if self.external:
            lines.append(
                "import the test predictions of what was imported for dev: "
                f"{_listed(self.external)}"
            )
        return lines


def score_later(
    run: str | Path,
    file: str | Path,
    *,
    cache: Path,
    data: Path | None = None,
    split: str = TEST,
    language: str | None = None,
) -> Scored:
    """Record a test split that was not there before, and what arms with weights predict for it.

    Args:
        run: the run folder.
        file: the texts with their gold labels, in the format of the corpus, or a table with the
            columns `id`, `text` and one for each label.
        cache: feature cache of the run.
        data: folder with lexicons and ready-made vectors, for words that the cache lacks.
        split: test.
        language: of the texts, where the run has several.

    Raises:
        ExperimentError, InputError, RecordError, WeightsError: something asked for is wrong.
    """
    if split != TEST:
        raise ExperimentError(f"--split {split}: expected test; dev has chosen the epochs")
    opened = Run(run)
    facts = _facts(opened, language)
    bring_features(cache, facts["features"])
    entry = find_entry(cache, facts["features"])
    if TEST in entry.splits:
        raise ExperimentError(
            f"{run}: {entry.corpus} {entry.language} has a test split since its features were "
            "built; its arms are scored on that"
        )
    options = FeatureSpec.model_validate(entry.manifest["spec"]).corpus
    path = Path(file)
    texts = _in_order(opened, path, entry, read_split(options, path, TEST, entry.labels))
    later = later_texts(entry, texts.texts, cache, data)
    opened.examine()  # before anything is recorded: damage found later would leave that half done
    rows = [row for row in opened.arms_table.to_pylist() if _is_of(row, entry)]
    ours = [row for row in rows if row["device"] != EXTERNAL]
    done = _predicted(opened)
    kept, weightless = kept_arms(opened.path, [row for row in ours if row["arm"] not in done])
    weights = _checked(opened, kept, entry)
    weightless += [row for row in kept if row["arm"] not in weights]
    kept = [row for row in kept if row["arm"] in weights]
    # The examples first: were a killed call the other way round followed by one with another file,
    # the arms' predictions would be of texts that are not those recorded.
    record_later(opened.path, entry.corpus, entry.language, TEST, texts.ids, texts.labels)
    _record(opened, kept, weights, entry, later)
    for kind in ("arms", "epochs", "predictions"):
        merge_parts(opened.path, kind)
    return Scored(
        corpus=entry.corpus,
        language=entry.language,
        texts=len(texts.ids),
        scored=len(kept),
        already=sum(row["arm"] in done for row in ours),
        weightless=weightless,
        external=[r for r in rows if r["device"] == EXTERNAL and r["arm"] not in done],
        coverage=coverage(later),
    )


def _listed(arms: Sequence[Row]) -> str:
    """The first arms, as tables call them."""
    named = [f"{arm['label']} seed {arm['seed']} ({arm['arm']})" for arm in arms[:_NAMED]]
    return ", ".join(named) + ", …" * (len(arms) > _NAMED)


def _facts(run: Run, language: str | None) -> Mapping[str, Any]:
    """Facts of the one corpus and language that is meant.

    Raises:
        ExperimentError: the run has no such language, or several.
    """
    found = [facts for pair, facts in run.facts.items() if language in (None, pair[1])]
    if len(found) == 1:
        return found[0]
    there = ", ".join(sorted(" ".join(pair) for pair in run.facts))
    if not found:
        raise ExperimentError(f"--language {language}: {run.path} has {there}")
    raise ExperimentError(f"{run.path} has {there}: say with --language whose test texts these are")


def _in_order(run: Run, path: Path, entry: Features, texts: Texts) -> Texts:
    """The texts, in the order in which they are recorded if they are.

    Raises:
        InputError: one is of another split as well, or other test texts are recorded.
    """
    for split in entry.splits:
        if both := sorted(set(entry.split(split).ids) & set(texts.ids)):
            raise InputError(
                f"{path}: {len(both)} of its ids are of {split} already "
                f"({', '.join(both[:_NAMED])}); expected other texts in test"
            )
    table = run.examples_table
    here = pc.and_(pc.equal(table["corpus"], entry.corpus), pc.equal(table["split"], TEST))
    here = pc.and_(here, pc.equal(table["language"], entry.language))
    recorded = table.filter(here).sort_by("example")
    if not len(recorded):
        return texts
    gold = dict(zip(texts.ids, texts.labels.tolist(), strict=True))
    ids = recorded["id"].to_pylist()
    if gold != dict(zip(ids, recorded["labels"].to_pylist(), strict=True)):
        raise InputError(
            f"{path}: {run.path} holds other test texts of {entry.corpus} {entry.language}, or "
            f"other labels ({len(ids)} texts, here {len(texts.ids)}); score these in a copy of the "
            "run folder from before"
        )
    place = {one: row for row, one in enumerate(texts.ids)}
    return texts.take(np.array([place[one] for one in ids]))


def _is_of(row: Row, entry: Features) -> bool:
    """Whether an arm is ok and was trained on, or imported for, these features."""
    return bool(row["status"] == "ok" and row["features"] == entry.sha256)


def _predicted(run: Run) -> set[str]:
    """Arms that have predictions for test."""

    def read() -> set[str]:
        found: set[str] = set()
        for group in run.prediction_groups(("arm", "split", "part")):
            of_test = group.filter(pc.equal(group["split"], TEST))
            found |= set(of_test["arm"].unique().to_pylist())
        return found

    return run.passing_damage(read)


def _checked(run: Run, arms: Sequence[Row], entry: Features) -> dict[str, "WeightsFile"]:
    """The weights of arms, by key, but for those that do not give what was recorded."""
    from model.errors import WeightsError

    todo = {row["arm"]: row for row in arms}
    found = {}
    for key, recorded in recorded_on_dev(run, todo):
        try:
            weights = weights_of_arm(run.path, todo[key])
            check_weights(weights, entry, recorded)
        except WeightsError as error:
            run.warn(str(error))
        else:
            found[key] = weights
    return found


def _record(
    run: Run,
    arms: Sequence[Row],
    weights: Mapping[str, "WeightsFile"],
    entry: Features,
    later: LaterTexts,
) -> None:
    """Record every arm once more, with its predictions for the new texts."""
    todo = {row["arm"]: row for row in arms}
    if not todo:
        return
    dev = entry.split("dev").words
    for key, recorded in recorded_on_dev(run, todo):
        row = todo[key]
        blocks = []
        for epoch, rules in _by_epoch(weights[key].rules).items():
            network = Network(weights[key], epoch)
            on_dev = recorded.get(epoch)
            if on_dev is None:
                on_dev = network.logits(entry.vectors(), dev)
            blocks.append((key, "dev", epoch, rules, on_dev))
            if on_all := [rule for rule in rules if "/" not in rule]:
                on_test = network.logits(later.vectors, later.words)
                blocks.append((key, TEST, epoch, on_all, on_test))
        epochs = run.epochs_table.filter(pc.equal(run.epochs_table["arm"], key))
        record_trial(
            run.path,
            f"scored-{key}-{secrets.token_hex(4)}",
            [_without_part(row) | {"finished": row["finished"] + _SOON}],
            [_without_part(one) for one in epochs.to_pylist()],
            predictions_table(blocks),
        )


def _by_epoch(rules: Mapping[str, int]) -> dict[int, list[str]]:
    """Names of the rules that chose each epoch."""
    return {
        epoch: [name for name, chosen in rules.items() if chosen == epoch]
        for epoch in sorted(set(rules.values()))
    }


def _without_part(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "part"}
