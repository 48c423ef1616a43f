"""The weights of an arm at its chosen epochs, as one safetensors file.

Tensors are named `<epoch>.<parameter>`, without the arm axis. What is needed to use them (which
rule chose which epoch, labels, network) is JSON in the file's metadata.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.cnn import CNN
from model.errors import WeightsError
from model.selection import Selection
from model.settings import NetworkSettings

FACTS = "softsweep"
"""The key of a file's metadata that holds its facts."""

Weights = dict[str, Tensor]
"""Parameters and running statistics of one network, by name."""


class Keeper:
    """Keeps the weights of one arm at the epochs that rules chose so far.

    Where there is no test split, the epochs chosen on each half of dev are kept, and those chosen
    on all of dev as well: by these a test split is scored that arrives later.

    Args:
        own_metric: of the arm's loss.
        has_test: whether there is a test split.
    """

    def __init__(self, own_metric: str, has_test: bool) -> None:
        self.selections = [Selection(own_metric, test) for test in {has_test, True}]
        self.weights: dict[int, Weights] = {}

    def consider(
        self, epoch: int, scores: Mapping[str, Mapping[str, float]], snapshot: Callable[[], Weights]
    ) -> None:
        """Keep an epoch's weights if some rule chooses it, and drop those of no rule any more.

        Args:
            epoch: 1-based.
            scores: metric values by split (or half) and metric name.
            snapshot: gives the weights of the epoch.
        """
        for selection in self.selections:
            selection.consider(epoch, scores, {})
        chosen = set(self.rules.values())
        if epoch in chosen:
            self.weights[epoch] = snapshot()
        self.weights = {kept: weights for kept, weights in self.weights.items() if kept in chosen}

    @property
    def rules(self) -> dict[str, int]:
        """The epoch that each rule chose so far, by the rule's name."""
        return {
            name: epoch
            for selection in self.selections
            for epoch, (names, _) in selection.chosen().items()
            for name in names
        }

    def to_bytes(self, facts: Mapping[str, Any]) -> bytes:
        """The content of a weights file.

        Args:
            facts: `labels`, `network`, `precision`, and what else the file is to say of itself.
        """
        from safetensors.torch import save

        tensors = {
            f"{epoch}.{name}": tensor
            for epoch, weights in self.weights.items()
            for name, tensor in weights.items()
        }
        sha256 = {epoch: _digest(weights) for epoch, weights in self.weights.items()}
        said = {**facts, "rules": self.rules, "sha256": sha256}
        return save(tensors, {FACTS: json.dumps(said)})


def weights_of(network: CNN, arm: int) -> Weights:
    """A copy of one arm's parameters and running statistics, in main memory."""
    return {name: stack[arm].to("cpu", copy=True) for name, stack in network.state_dict().items()}


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights, of which only what is asked for is read.

    Attributes:
        path: where it lies.
        facts: what it says of itself.
    """

    path: Path
    facts: Mapping[str, Any]

    @property
    def rules(self) -> dict[str, int]:
        """The epoch that each rule chose, by the rule's name."""
        return dict(self.facts["rules"])

    def network(self, epoch: int) -> CNN:
        """The network as it was after a chosen epoch: a stack of one.

        Raises:
            WeightsError: the file is damaged, or holds other tensors than its network has.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="pt") as file:
                prefix = f"{epoch}."
                kept = {
                    name.removeprefix(prefix): file.get_tensor(name)
                    for name in file.keys()  # noqa: SIM118 (no mapping)
                    if name.startswith(prefix)
                }
            written = self.facts.get("sha256", {}).get(str(epoch))  # older files have none
            if written not in (None, _digest(kept)):
                raise ValueError(f"other bytes than were written of epoch {epoch}")
            weights = {name: tensor[None] for name, tensor in kept.items()}
            columns, classes = weights["input_scale"].shape[1], weights["head_bias"].shape[1]
            halved = self.facts["precision"] == "bfloat16"
            network = CNN(
                NetworkSettings(**self.facts["network"]),
                columns,
                classes,
                seeds=[0],
                dtype=weights["filters"].dtype,
                product_dtype=torch.bfloat16 if halved else None,
            )
            network.load_state_dict(weights)
        except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
            raise _damaged(self.path, error) from error
        return network


def open_weights(path: Path) -> WeightsFile:
    """Read what a file of weights says of itself.

    Raises:
        WeightsError: it is none, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return WeightsFile(path, json.loads(file.metadata()[FACTS]))
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error


def _digest(weights: Weights) -> str:
    """A hash of the weights of one epoch."""
    from safetensors.torch import save

    return hashlib.sha256(save(weights)).hexdigest()


def _damaged(path: Path, error: Exception) -> WeightsError:
    reason = " ".join(str(error).split())
    return WeightsError(
        f"{path} is damaged ({reason}): delete it to go on without these weights; the arm's "
        "records still count"
    )
