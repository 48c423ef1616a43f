"""What the arms of a stack minimise: each its loss, perhaps mixed with BCE and polarised."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from model.stack_losses import StackLosses
from model.surrogates import Loss


@dataclass(frozen=True)
class Aim:
    """What one arm minimises: (1 − w) loss + w BCE + λ mean_ij 4 o (1 − o).

    The last term is 0 where every output is 0 or 1, so it closes the gap between a soft metric and
    its hard one.

    Attributes:
        loss: the arm's own, or that of its warm-up.
        bce_weight: w.
        polarisation: λ.
    """

    loss: Loss
    bce_weight: float = 0.0
    polarisation: float = 0.0


@dataclass(frozen=True)
class Objective:
    """Values `[A]` of logits and targets `[A, b, C]`, an arm's never depending on another's.

    Attributes:
        losses: of the arms.
        bce_weights: w of each arm, `[A]`; None where no arm has one.
        polarisations: λ of each arm, `[A]`; None where no arm has one.
    """

    losses: StackLosses
    bce_weights: Tensor | None
    polarisations: Tensor | None

    @classmethod
    def of(cls, aims: Sequence[Aim], prior: Tensor, *, map_equal: bool) -> "Objective":
        """Arrange the aims of a stack's arms; the arguments are those of `StackLosses.of`."""

        def tensor(weights: list[float]) -> Tensor | None:
            return prior.new_tensor(weights) if any(weights) else None

        return cls(
            losses=StackLosses.of([aim.loss for aim in aims], prior, map_equal=map_equal),
            bce_weights=tensor([aim.bce_weight for aim in aims]),
            polarisations=tensor([aim.polarisation for aim in aims]),
        )

    def __call__(self, logits: Tensor, targets: Tensor, progress: float) -> Tensor:
        """Values to minimise, `[A]`.

        Args:
            logits: `[A, b, C]`.
            targets: `[A, b, C]`.
            progress: 0..1 through training.
        """
        values = self.losses(logits, targets, progress)
        if self.bce_weights is not None:
            entropies = functional.binary_cross_entropy_with_logits(
                logits, targets, reduction="none"
            ).mean(dim=(1, 2))
            values = (1 - self.bce_weights) * values + self.bce_weights * entropies
        if self.polarisations is not None:
            undecided = 4 * torch.sigmoid(logits) * torch.sigmoid(-logits)
            values = values + self.polarisations * undecided.mean(dim=(1, 2))
        return values
