"""Predicted labels of every arm on the texts that may score it.

Nothing is scored on what chose it. Where a corpus has a test split, the epoch was chosen on dev and
test is scored. Where it has none, dev is cut into halves a and b: texts of b are scored at the
epoch chosen on a, texts of a at the epoch chosen on b, and the two are pooled.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from results.errors import RecordError
from results.records import corpus_facts
from results.run import Run, labels_of

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
    """

    split: str
    gold: NDArray[np.bool_]
    second: NDArray[np.bool_]


def scored_texts(run: Run) -> dict[tuple[str, str], Texts]:
    """The texts to score by, for each corpus and language.

    Raises:
        RecordError: no examples are recorded.
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
            raise RecordError(
                f"{run.path}: {' '.join(pair)} has neither test nor dev examples, "
                "so nothing can be scored"
            )
        rows = rows[np.argsort(example[rows])]
        gold = np.array(table["labels"].take(pa.array(rows)).to_pylist(), dtype=bool)
        texts[pair] = Texts(scored, gold, half[rows] == "b")
    return texts


class Predicted:
    """Predicted labels by arm and rule, kept as bits: a label costs one bit, not a float."""

    def __init__(self, run: Run, texts: dict[tuple[str, str], Texts]) -> None:
        """Read the predictions of every arm.

        Raises:
            RecordError: a part is damaged, an arm's predictions are incomplete, or an arm is of
                other features than the examples of its corpus and language.
        """
        arms = run.arms_table
        features = {(f["corpus"], f["language"]): f["features"] for f in corpus_facts(run.path)}
        keys = (arms[name].to_pylist() for name in ("arm", "corpus", "language", "features"))
        self._texts: dict[str, Texts] = {}
        for arm, corpus, language, sha in zip(*keys, strict=True):
            pair = (corpus, language)
            if (found := texts.get(pair)) is None:
                raise RecordError(
                    f"{run.path}: arms of {' '.join(pair)} are recorded but not its examples; "
                    "run the experiment again to record them"
                )
            if sha != features[pair]:
                raise RecordError(
                    f"{run.path}: arm {arm} of {corpus}, language {language}, was trained on other "
                    f"features (sha256 {sha[:12]}…) than the recorded examples "
                    f"({features[pair][:12]}…) and cannot be scored on them: delete the part of "
                    "`examples` and run again with the features of the arms, or run the new "
                    "features in another folder with --out"
                )
            self._texts[arm] = found
        self._bits: dict[tuple[str, str], NDArray[np.uint8]] = {}
        for group in run.prediction_groups(_COLUMNS):
            for arm, rules, logits in self._row_sets(run, group):
                # o >= 0.5 exactly where the logit is not negative.
                bits = np.packbits(logits >= 0, axis=1)
                self._bits.update({(arm, rule): bits for rule in rules})

    def __call__(self, arm: str, rule: str) -> NDArray[np.bool_] | None:
        """Predicted labels `[m, C]` at the epoch that a rule chose; None if it chose none."""
        texts = self._texts[arm]
        if texts.split == "test":
            return self._unpacked(arm, rule)
        on_a, on_b = self._unpacked(arm, f"{rule}/a"), self._unpacked(arm, f"{rule}/b")
        if on_a is None or on_b is None:
            return None
        return np.where(texts.second[:, None], on_a, on_b)

    def _unpacked(self, arm: str, rule: str) -> NDArray[np.bool_] | None:
        """Labels recorded under exactly this name."""
        bits = self._bits.get((arm, rule))
        if bits is None:
            return None
        return np.unpackbits(bits, axis=1, count=self._texts[arm].gold.shape[1]).astype(bool)

    def _row_sets(
        self, run: Run, group: pa.Table
    ) -> Iterator[tuple[str, list[str], NDArray[np.float32]]]:
        """Arm, rules and logits `[m, C]` (in the order of examples) of each scored row set."""
        arms = group["arm"].combine_chunks().dictionary_encode()
        splits = group["split"].combine_chunks().dictionary_encode()
        names, split_names = arms.dictionary.to_pylist(), splits.dictionary.to_pylist()
        arm, split = arms.indices.to_numpy(), splits.indices.to_numpy()
        epoch, example = group["epoch"].to_numpy(), group["example"].to_numpy()
        order = np.lexsort((example, epoch, split, arm))
        changes = np.diff(np.stack([arm, split, epoch])[:, order]).any(axis=0)
        logits, rules = labels_of(group["logits"]), group["chosen_by"]
        for rows in np.split(order, np.flatnonzero(changes) + 1):
            key, texts = names[arm[rows[0]]], self._texts[names[arm[rows[0]]]]
            if split_names[split[rows[0]]] != texts.split:
                continue
            if not np.array_equal(example[rows], np.arange(len(texts.gold))):
                part = group["part"][int(rows[0])].as_py()
                raise RecordError(
                    f"{run.path}/predictions, part {part}: arm {key} has {len(rows)} rows on "
                    f"{texts.split} at epoch {epoch[rows[0]]}, expected one for each of "
                    f"{len(texts.gold)} texts; delete this part and run again"
                )
            yield key, rules[int(rows[0])].as_py(), logits[rows]
