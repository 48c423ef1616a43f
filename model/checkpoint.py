"""The state of a training between two epochs, as plain tensors and facts: one safetensors file.

Nothing of it is pickled. Tensors are named by what holds them (`network.filters`, `squares.0`,
`selections.1.7.dev`: the logits on dev that a rule chose of arm 1 after epoch 7); facts are JSON in
the file's metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from model.selection import Choice, Rule, Selection
from model.weights import FACTS, Keeper


class StateError(ValueError):
    """Bytes that hold no state, or that of something else."""


@dataclass(frozen=True)
class State:
    """All that something needs to go on as if never stopped.

    Attributes:
        tensors: by name.
        facts: what JSON can hold.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]

    @property
    def bytes(self) -> int:
        """Bytes of the tensors."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors that `named` gave a prefix, without it."""
        begin = f"{prefix}."
        return {
            name.removeprefix(begin): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(begin)
        }


def named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, their names behind a prefix."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def to_bytes(state: State) -> bytes:
    """A state as the content of a file; a copy, whatever becomes of its tensors."""
    from safetensors.torch import save

    return save(dict(state.tensors), {FACTS: json.dumps(state.facts)})


def from_bytes(data: bytes) -> State:
    """The state that `to_bytes` wrote, bit by bit, in main memory.

    Raises:
        StateError: it is none.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
        # `load` leaves the metadata out: JSON in a header that begins with its length.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return State(tensors, json.loads(header["__metadata__"][FACTS]))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StateError(" ".join(str(error).split())) from error


def selection_state(selection: Selection) -> State:
    """What rules chose so far: epoch and value by rule, and the logits of the chosen epochs."""
    tensors = {
        f"{epoch}.{split}": torch.from_numpy(logits)
        for epoch, (_, by_split) in selection.chosen().items()
        for split, logits in by_split.items()
    }
    rules = {rule.name: [choice.epoch, choice.value] for rule, choice in selection.choices.items()}
    return State(tensors, rules)


def restore_selection(selection: Selection, state: State) -> None:
    """Take over what `selection_state` gave of a selection of the same rules.

    Raises:
        KeyError, ValueError: it is of other rules.
    """
    selection.choices = {rule: _choice(rule, state) for rule in selection.choices}


def _choice(rule: Rule, state: State) -> Choice:
    epoch, value = state.facts[rule.name]
    logits = {split: tensor.numpy() for split, tensor in state.part(str(epoch)).items()}
    return Choice(epoch, value, logits)


def keeper_state(keeper: Keeper) -> State:
    """The weights that an arm kept so far, by epoch and name, and what chose them."""
    tensors: dict[str, Tensor] = {}
    for epoch, weights in keeper.weights.items():
        tensors |= named(str(epoch), weights)
    chosen = [selection_state(selection).facts for selection in keeper.selections]
    return State(tensors, {"selections": chosen, "epochs": list(keeper.weights)})


def restore_keeper(keeper: Keeper, state: State) -> None:
    """Take over what `keeper_state` gave of a keeper of the same rules.

    Raises:
        KeyError, ValueError: it is of other rules.
    """
    for selection, rules in zip(keeper.selections, state.facts["selections"], strict=True):
        restore_selection(selection, State({}, rules))
    keeper.weights = {epoch: state.part(str(epoch)) for epoch in state.facts["epochs"]}
