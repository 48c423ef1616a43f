"""RMSprop as Keras does it, with a learning rate per arm."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


class RMSprop:
    """v <- ρ v + (1 − ρ) g²;  p <- p − rate · g / (√v + ε), rate by arm.

    PyTorch's optimiser knows one rate per parameter; here each parameter holds a whole stack.

    Args:
        parameters: each with the arm axis first.
        rates: learning rate of each arm, length A.
        rho: decay of the mean square.
        epsilon: added to the root.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rates: Sequence[float],
        rho: float,
        epsilon: float,
    ) -> None:
        self.parameters = list(parameters)
        self.rho = rho
        self.epsilon = epsilon
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._scratch = [torch.empty_like(parameter) for parameter in self.parameters]
        first = self.parameters[0]
        rate = torch.tensor(rates, dtype=first.dtype, device=first.device)
        self._frozen: list[int] = []
        self._rates = [rate.view(-1, *[1] * (p.dim() - 1)) for p in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter against its gradient, and drop the gradient."""
        for parameter, square, scratch, rate in zip(
            self.parameters, self.squares, self._scratch, self._rates, strict=True
        ):
            gradient = parameter.grad
            assert gradient is not None, "step() follows backward() through every parameter"
            for arm in self._frozen:
                gradient[arm] = 0
            square.mul_(self.rho).addcmul_(gradient, gradient, value=1 - self.rho)
            torch.sqrt(square, out=scratch).add_(self.epsilon)
            parameter.addcmul_(gradient.div_(scratch), rate, value=-1)
            parameter.grad = None

    def freeze(self, arm: int) -> None:
        """Leave an arm's parameters as they are from now on."""
        self._frozen.append(arm)

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
