"""RMSprop as Keras does it, with a learning rate and a weight decay per arm."""

from collections.abc import Collection, Iterable, Sequence

import torch
from torch import Tensor, nn


class RMSprop:
    """v <- ρ v + (1 − ρ) g²;  p <- p − rate · (decay · p + g / (√v + ε)), rate and decay by arm.

    PyTorch's optimiser knows one rate per parameter; here each parameter holds a whole stack.

    Args:
        parameters: each with the arm axis first.
        rates: learning rate of each arm, length A.
        rho: decay of the mean square.
        epsilon: added to the root.
        decays: weight decay of each arm, length A, apart from the gradient as in AdamW.
        decayed: the parameters that decay.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rates: Sequence[float],
        rho: float,
        epsilon: float,
        decays: Sequence[float] = (),
        decayed: Collection[nn.Parameter] = (),
    ) -> None:
        self.parameters = list(parameters)
        self.rho = rho
        self.epsilon = epsilon
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._scratch = [torch.empty_like(parameter) for parameter in self.parameters]
        self._full = list(rates)
        self._rate = self._by_arm(rates)
        # Views, so that a change of the rate reaches every parameter, and a recorded step.
        self._rates = [self._rate.view(-1, *[1] * (p.dim() - 1)) for p in self.parameters]
        decaying = {id(parameter) for parameter in decayed} if any(decays) else set()
        self._decays = [
            self._by_arm(decays).view_as(rate) if id(parameter) in decaying else None
            for parameter, rate in zip(self.parameters, self._rates, strict=True)
        ]
        self._frozen: list[int] = []

    def _by_arm(self, values: Sequence[float]) -> Tensor:
        first = self.parameters[0]
        return torch.tensor(values, dtype=first.dtype, device=first.device)

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter against its gradient, and drop the gradient."""
        for parameter, square, scratch, rate, decay in zip(
            self.parameters, self.squares, self._scratch, self._rates, self._decays, strict=True
        ):
            gradient = parameter.grad
            assert gradient is not None, "step() follows backward() through every parameter"
            for arm in self._frozen:
                gradient[arm] = 0
            square.mul_(self.rho).addcmul_(gradient, gradient, value=1 - self.rho)
            torch.sqrt(square, out=scratch).add_(self.epsilon)
            if decay is not None:
                parameter.addcmul_(parameter, rate * decay, value=-1)
            parameter.addcmul_(gradient.div_(scratch), rate, value=-1)
            parameter.grad = None

    def scale_rates(self, factors: Sequence[float]) -> None:
        """From now on, take these multiples of the learning rates, one of each arm."""
        scaled = [rate * factor for rate, factor in zip(self._full, factors, strict=True)]
        self._rate.copy_(self._by_arm(scaled))

    def freeze(self, arm: int) -> None:
        """Leave an arm's parameters as they are from now on."""
        self._frozen.append(arm)
        self._full[arm] = 0.0
        self._rate[arm] = 0.0

    def reset(self, arm: int) -> None:
        """Forget the mean squares of one arm."""
        for square in self.squares:
            square[arm].zero_()

    def state_dict(self) -> list[Tensor]:
        """Mean squares, in the order of the parameters."""
        return self.squares

    def load_state_dict(self, state: list[Tensor]) -> None:
        """Take over what `state_dict` gave."""
        for square, saved in zip(self.squares, state, strict=True):
            square.copy_(saved)
