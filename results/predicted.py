"""Predicted labels of every arm on the texts that may score it.

Nothing is scored on what chose it. Where a corpus has a test split, the epoch was chosen on dev and
test is scored. Where it has none, dev is cut into halves a and b: texts of b are scored at the
epoch chosen on a, texts of a at the epoch chosen on b, and the two are pooled. Thresholds are tuned
on what chose the epoch, for the metric that chose it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.metrics import METRICS
from results.errors import RecordError
from results.run import Run, labels_of
from results.schemas import EXTERNAL
from results.thresholds import Tuning

PROTOCOLS = {"test": "dev -> test", "dev": "dev halves"}
"""How epochs were chosen, by the split that is scored."""

_COLUMNS = ("arm", "split", "epoch", "chosen_by", "example", "logits", "part")


@dataclass(frozen=True)
class Texts:
    """The texts that score the arms of one corpus and language.

    Attributes:
        split: `test`, or `dev` where there is no test split.
        gold: gold labels, `[m, C]`.
        second: texts of half b, `[m]`; used on dev only.
        dev: gold labels of dev, which chooses, `[m', C]`; no rows where dev is not recorded.
        names: names of the labels, C.
    """

    split: str
    gold: NDArray[np.bool_]
    second: NDArray[np.bool_]
    dev: NDArray[np.bool_]
    names: tuple[str, ...]

    def choosing(self, half: str) -> NDArray[np.bool_]:
        """The texts of dev that choose for a half, "a" or "b", or "" for all of dev, `[m']`."""
        if not half:
            return np.ones(len(self.dev), dtype=bool)
        return self.second if half == "b" else ~self.second


def scored_texts(run: Run) -> dict[tuple[str, str], Texts]:
    """The texts to score by, for each corpus and language.

    Those of which there are none, though arms of them are recorded, are named in a warning.

    Raises:
        RecordError: there are none at all.
    """
    table = run.examples_table
    corpus, language, split, half = (
        np.array(table[name].to_pylist(), dtype=str)
        for name in ("corpus", "language", "split", "half")
    )
    example = table["example"].to_numpy()
    texts = {}
    for pair in sorted(set(zip(corpus.tolist(), language.tolist(), strict=True))):
        here = (corpus == pair[0]) & (language == pair[1])
        scored = "test" if (here & (split == "test")).any() else "dev"
        rows = np.flatnonzero(here & (split == scored))
        if not len(rows):
            continue
        dev = np.flatnonzero(here & (split == "dev"))
        rows, dev = (found[np.argsort(example[found])] for found in (rows, dev))
        gold, of_dev = (
            np.array(table["labels"].take(pa.array(found)).to_pylist(), dtype=bool)
            for found in (rows, dev)
        )
        names = tuple(run.facts[pair]["label_names"])
        texts[pair] = Texts(scored, gold, half[rows] == "b", of_dev, names)
    _check_scorable(run, texts.keys())
    return texts


def _check_scorable(run: Run, pairs: Collection[tuple[str, str]]) -> None:
    """Name the arms that there are no texts to score by.

    Raises:
        RecordError: that is all of them, or none counts.
    """
    keys = (run.arms_table[name].to_pylist() for name in ("corpus", "language"))
    recorded = set(zip(*keys, strict=True))
    lost = sorted(recorded - set(pairs))
    sentences = [
        f"{run.path}: arms of {' '.join(pair)} are recorded, but not its test or dev examples: "
        "they are not scored; run the experiment again to record those"
        for pair in lost
    ]
    if not recorded:
        raise RecordError(
            f"{run.path}: of no arm can predictions be read, so nothing can be scored; run the "
            "experiment again"
        )
    if len(lost) == len(recorded):
        raise RecordError(sentences[0])
    for sentence in sentences:
        run.warn(sentence)


def unscored_arms(run: Run, texts: Mapping[tuple[str, str], Texts]) -> set[str]:
    """Arms that are ok but predict none of the texts that score them.

    Those trained before their test split arrived, and imported predictions of dev alone. Where
    there are neither, nothing is read.

    Args:
        run: the run.
        texts: what scores each corpus and language.
    """
    names = ("arm", "corpus", "language", "status", "device")
    columns = (run.arms_table[name].to_pylist() for name in names)
    scored = {
        arm: texts[corpus, language].split
        for arm, corpus, language, status, device in zip(*columns, strict=True)
        if status == "ok"
        and (corpus, language) in texts
        and (device == EXTERNAL or "later" in run.facts[corpus, language])
    }
    if not scored:
        return set()
    found: set[tuple[str, str]] = set()
    for group in run.prediction_groups(("arm", "split", "part")):
        of_arms = group.group_by(["arm", "split"]).aggregate([])
        found |= set(zip(of_arms["arm"].to_pylist(), of_arms["split"].to_pylist(), strict=True))
    return {arm for arm, split in scored.items() if (arm, split) not in found}


class Predicted:
    """Predicted labels by arm, rule and threshold, kept as bits: a label costs one, not a float."""

    def __init__(
        self, run: Run, texts: dict[tuple[str, str], Texts], wanted: Collection[str]
    ) -> None:
        """Read predictions and tune thresholds.

        Args:
            run: the run.
            texts: what scores each corpus and language.
            wanted: keys of the arms to read.

        Raises:
            RecordError: a part is damaged, an arm's predictions are incomplete, or an arm is of
                other features than the examples of its corpus and language.
        """
        self._texts = _texts_of_arms(run, texts)
        arms = run.arms_table
        own = dict(zip(arms["arm"].to_pylist(), arms["own_metric"].to_pylist(), strict=True))
        self._bits: dict[tuple[str, str, str], NDArray[np.uint8]] = {}
        for group in run.prediction_groups(_COLUMNS):
            of_group: dict[str, _Recorded] = {}
            for arm, split, rules, logits in self._row_sets(run, group):
                if arm in wanted:
                    of_arm = of_group.setdefault(arm, {})
                    of_arm |= {(split, rule): logits for rule in rules}
            for arm, recorded in of_group.items():
                for rule, threshold, bits in _packed(recorded, self._texts[arm], own[arm]):
                    self._bits[arm, rule, threshold] = bits

    def __call__(
        self, arms: tuple[str, str], rule: str, threshold: str = "0.5"
    ) -> NDArray[np.bool_] | None:
        """Predicted labels `[m, C]` at the epoch that a rule chose; None if it chose none.

        Args:
            arms: keys of the arm chosen on half a and of that chosen on half b; usually the same.
            rule: what chose the epoch.
            threshold: one of `results.thresholds.THRESHOLDS`.
        """
        texts = self._texts[arms[0]]
        if texts.split == "test":
            return self._unpacked(arms[0], rule, threshold)
        on_a = self._unpacked(arms[0], f"{rule}/a", threshold)
        on_b = self._unpacked(arms[1], f"{rule}/b", threshold)
        if on_a is None or on_b is None:
            return None
        return np.where(texts.second[:, None], on_a, on_b)

    def _unpacked(self, arm: str, rule: str, threshold: str) -> NDArray[np.bool_] | None:
        """Labels recorded under exactly this name."""
        bits = self._bits.get((arm, rule, threshold))
        if bits is None:
            return None
        return np.unpackbits(bits, axis=1, count=self._texts[arm].gold.shape[1]).astype(bool)

    def _row_sets(
        self, run: Run, group: pa.Table
    ) -> Iterator[tuple[str, str, list[str], NDArray[np.float32]]]:
        """Arm, split, rules and logits `[m, C]`, in the order of examples, of each row set."""
        arms = group["arm"].combine_chunks().dictionary_encode()
        splits = group["split"].combine_chunks().dictionary_encode()
        names, split_names = arms.dictionary.to_pylist(), splits.dictionary.to_pylist()
        arm, split = arms.indices.to_numpy(), splits.indices.to_numpy()
        epoch, example = group["epoch"].to_numpy(), group["example"].to_numpy()
        order = np.lexsort((example, epoch, split, arm))
        changes = np.diff(np.stack([arm, split, epoch])[:, order]).any(axis=0)
        logits, rules = labels_of(group["logits"]), group["chosen_by"]
        for rows in np.split(order, np.flatnonzero(changes) + 1):
            key, of_split = names[arm[rows[0]]], split_names[split[rows[0]]]
            texts = self._texts.get(key)
            if texts is None or of_split not in (texts.split, "dev"):
                continue
            number = len(texts.gold if of_split == texts.split else texts.dev)
            if not np.array_equal(example[rows], np.arange(number)):
                part = group["part"][int(rows[0])].as_py()
                raise RecordError(
                    f"{run.path}/predictions, part {part}: arm {key} has {len(rows)} rows on "
                    f"{of_split} at epoch {epoch[rows[0]]}, expected one for each of "
                    f"{number} texts; delete this part and run again"
                )
            yield key, of_split, rules[int(rows[0])].as_py(), logits[rows]


_Recorded = dict[tuple[str, str], NDArray[np.float32]]
"""An arm's logits `[m, C]` by split and rule."""


def _texts_of_arms(run: Run, texts: dict[tuple[str, str], Texts]) -> dict[str, Texts]:
    """The texts that score each arm, where there are any.

    Raises:
        RecordError: they have other features than the arm.
    """
    names = ("arm", "corpus", "language", "features")
    keys = (run.arms_table[name].to_pylist() for name in names)
    found: dict[str, Texts] = {}
    for arm, corpus, language, sha in zip(*keys, strict=True):
        pair = (corpus, language)
        if pair not in texts:
            continue
        if sha != (features := run.facts[pair]["features"]):
            raise RecordError(
                f"{run.path}: arm {arm} of {corpus}, language {language}, was trained on other "
                f"features (sha256 {sha[:12]}…) than the recorded examples "
                f"({features[:12]}…) and cannot be scored on them: delete the part of "
                "`examples` and run again with the features of the arms, or run the new "
                "features in another folder with --out"
            )
        found[arm] = texts[pair]
    return found


def _packed(
    recorded: _Recorded, texts: Texts, own_metric: str
) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    """Rule, threshold and predicted labels as bits of an arm on the scored split.

    A half's rule labels the other half too, whose labels are never looked at. Rules that chose the
    same epoch share their bits.
    """
    at_half: dict[int, NDArray[np.uint8]] = {}
    tunings: dict[tuple[int, str], Tuning] = {}
    tuned: dict[tuple[int, str, str], tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}
    for (split, rule), logits in recorded.items():
        if split != texts.split or ("/" in rule) != (split == "dev"):
            continue  # halves of dev choose only where dev is scored
        if id(logits) not in at_half:  # o >= 0.5 exactly where the logit is not negative
            at_half[id(logits)] = np.packbits(logits >= 0, axis=1)
        yield rule, "0.5", at_half[id(logits)]
        name, _, half = rule.partition("/")
        metric = METRICS.get(own_metric if name == "own" else name)
        on_dev, chooses = recorded.get(("dev", rule)), texts.choosing(half)
        if metric is None or on_dev is None or not chooses.any():
            continue
        on = (id(on_dev), half)
        if on not in tunings:
            tunings[on] = Tuning(on_dev[chooses], texts.dev[chooses])
        if (*on, metric.name) not in tuned:
            cuts = tunings[on].tuned(metric), tunings[on].per_label(metric)
            wide = logits.astype(np.float64)  # as thresholds are
            one, by_label = (np.packbits(wide >= cut, axis=1) for cut in cuts)
            tuned[*on, metric.name] = one, by_label
        yield rule, "tuned", tuned[*on, metric.name][0]
        yield rule, "per label", tuned[*on, metric.name][1]
