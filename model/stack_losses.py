"""The losses of a stack: each arm's own, arms of one loss in one call where the loss allows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.surrogates import Loss


@dataclass(frozen=True)
class StackLosses:
    """Losses `[A]` of logits and targets `[A, b, C]`, an arm's never depending on another's.

    Attributes:
        single: arms whose losses are called one by one.
        mapped: arms `[k]` of one loss, called at once by `torch.vmap`.
        order: where each arm's value is among those of `single`, then `mapped`; `[A]`.
        prior: train label frequencies, `[C]`.
    """

    single: tuple[tuple[int, Loss], ...]
    mapped: tuple[tuple[Tensor, Loss], ...]
    order: Tensor
    prior: Tensor

    @classmethod
    def of(cls, losses: Sequence[Loss], prior: Tensor, *, map_equal: bool) -> "StackLosses":
        """Arrange the losses of a stack's arms.

        Args:
            losses: of each arm.
            prior: train label frequencies, `[C]`.
            map_equal: whether to call equal losses at once: a device then waits for fewer calls.
                On a CPU it saves nothing.
        """
        arms_of = {
            loss: [arm for arm, other in enumerate(losses) if other == loss] for loss in losses
        }
        together = {
            loss: arms
            for loss, arms in arms_of.items()
            if map_equal and len(arms) > 1 and can_map(loss, prior)
        }
        single = [(arm, loss) for arm, loss in enumerate(losses) if loss not in together]
        sequence = [arm for arm, _ in single] + [arm for arms in together.values() for arm in arms]
        return cls(
            single=tuple(single),
            mapped=tuple(
                (torch.tensor(arms, device=prior.device), loss) for loss, arms in together.items()
            ),
            order=torch.tensor(sequence, device=prior.device).argsort(),
            prior=prior,
        )

    @property
    def constant(self) -> bool:
        """Whether no loss changes as training goes on."""
        losses = [loss for _, loss in (*self.single, *self.mapped)]
        return not any("progress" in loss.wants for loss in losses)

    def __call__(self, logits: Tensor, targets: Tensor, progress: float) -> Tensor:
        """Losses, `[A]`.

        Args:
            logits: `[A, b, C]`.
            targets: `[A, b, C]`.
            progress: 0..1 through training.
        """
        values = [
            loss(logits[arm], targets[arm], prior=self.prior, progress=progress)[None]
            for arm, loss in self.single
        ]
        values += [
            _mapped(loss, self.prior, progress)(logits[arms], targets[arms])
            for arms, loss in self.mapped
        ]
        return torch.cat(values)[self.order]


def can_map(loss: Loss, prior: Tensor) -> bool:
    """Whether `torch.vmap` takes a loss and gives what single calls give.

    Python control flow on values, in-place tricks and random numbers are what it does not take.
    """
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, len(prior), generator=generator).to(prior)
    targets = (torch.rand(2, 3, len(prior), generator=generator) < 0.5).to(prior)
    try:
        together = _mapped(loss, prior, 0.5)(logits, targets)
        alone = [
            loss(z, y, prior=prior, progress=0.5) for z, y in zip(logits, targets, strict=True)
        ]
    except Exception:  # whatever it is, the loss itself will say it when it is called singly
        return False
    return together.shape == (2,) and torch.allclose(together, torch.stack(alone), atol=1e-5)


def _mapped(loss: Loss, prior: Tensor, progress: float) -> Callable[[Tensor, Tensor], Tensor]:
    def one(logits: Tensor, targets: Tensor) -> Tensor:
        return loss(logits, targets, prior=prior, progress=progress)

    return torch.vmap(one)
