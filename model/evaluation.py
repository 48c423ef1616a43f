"""The evaluation of a stack after an epoch: every split, in one pass over all their texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.batches import Windows
from model.cnn import CNN, no_beat
from model.data import Split
from model.measures import measure
from model.selection import HALVES
from model.texts import arrange
from model.thresholds import measure_at, tune


@dataclass(frozen=True)
class Evaluated:
    """What one arm's network does on every split.

    Attributes:
        measures: by split and by half of dev (`dev/a`), what `model.measures.measure` gives; of
            losses that rank, at thresholds tuned on that half, or on dev.
        logits: by split other than train, `[m, C]`.
        finite: whether all outputs are.
    """

    measures: Mapping[str, dict[str, Any]]
    logits: Mapping[str, NDArray[np.float32]]
    finite: bool


class Evaluation:
    """The texts of all splits side by side; those of train follow the others.

    Args:
        splits: by name.
        windows: of the network.
        device: where to evaluate.
        ranking: arms whose losses rank, each with its own metric.
    """

    def __init__(
        self,
        splits: Mapping[str, Split],
        windows: Windows,
        device: torch.device,
        ranking: Mapping[int, str],
    ) -> None:
        self.ranking = ranking
        names = sorted(splits, key="train".__eq__)
        words = np.concatenate([splits[name].words for name in names])
        labels = np.concatenate([splits[name].labels for name in names])
        self.labels = torch.tensor(labels, device=device)
        self.texts = arrange(torch.tensor(words, device=device), windows)
        ends = np.cumsum([len(splits[name].labels) for name in names]).tolist()
        starts = [0, *ends[:-1]]
        self.splits = {
            name: slice(start, end) for name, start, end in zip(names, starts, ends, strict=True)
        }
        self.parts: dict[str, slice | Tensor] = {}
        for name, split in splits.items():
            self.parts[name] = self.splits[name]
            if name == "dev":
                for half in HALVES:
                    texts = np.flatnonzero(split.half == half) + self.splits[name].start
                    self.parts[f"{name}/{half}"] = torch.tensor(texts, device=device)

    def __call__(
        self, network: CNN, table: Tensor, beat: Callable[[], None] = no_beat
    ) -> Sequence[Evaluated]:
        """Evaluate every arm.

        Args:
            network: the stack.
            table: word rows, `[W, D]`.
            beat: called every now and then: a sign of life.
        """
        logits = network.predict(table, self.texts, beat)
        finite = logits.isfinite().all(dim=2).all(dim=1).tolist()
        by_part = {
            name: measure(logits[:, texts], self.labels[texts])
            for name, texts in self.parts.items()
        }
        for arm, own_metric in self.ranking.items():
            tuned = self._tuned(logits[arm], own_metric)
            for name, measures in tuned.items():
                by_part[name][arm] |= measures
        first = self.splits["train"].start
        kept = logits[:, :first].float().cpu().numpy()
        return [
            Evaluated(
                {name: measured[arm] for name, measured in by_part.items()},
                {name: kept[arm, t] for name, t in self.splits.items() if name != "train"},
                finite[arm],
            )
            for arm in range(network.arms)
        ]

    def _tuned(self, logits: Tensor, own_metric: str) -> dict[str, dict[str, Any]]:
        """By split and half, one arm's hard metrics at thresholds tuned on that half, or on dev."""
        parts = {name: (logits[texts], self.labels[texts]) for name, texts in self.parts.items()}
        on_dev = tune(*parts["dev"])
        return {
            name: measure_at(tune(*part) if name.startswith("dev/") else on_dev, own_metric, *part)
            for name, part in parts.items()
        }
