"""The paper's network in PyTorch's own modules: oracle of the tests, peer of the benchmarks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.cnn import CNN


class PlainCNN(nn.Module):
    """Input BatchNorm, padded convolutions, BatchNorm, ReLU, global maximum, dense layer.

    Starts from the values of one arm of a `CNN`.
    """

    def __init__(self, stack: CNN, arm: int = 0) -> None:
        super().__init__()
        settings = stack.settings
        dtype = stack.filters.dtype
        columns = stack.filters.shape[1]

        def norm(width: int) -> nn.BatchNorm1d:
            return nn.BatchNorm1d(
                width, eps=settings.norm_epsilon, momentum=settings.norm_momentum, dtype=dtype
            )

        self.input_norm = norm(columns)
        self.convolutions: list[nn.Conv1d] = []
        self.norms: list[nn.BatchNorm1d] = []
        taps = stack.filters.detach()[arm].view(columns, stack.windows.taps, settings.filters)
        first = 0
        for height in settings.heights:
            convolution = nn.Conv1d(columns, settings.filters, height, bias=False, dtype=dtype)
            weight = taps[:, first : first + height].permute(2, 0, 1)
            convolution.weight.data.copy_(weight)
            self.convolutions.append(convolution)
            self.norms.append(norm(settings.filters))
            first += height
        self.branches = nn.ModuleList([*self.convolutions, *self.norms])
        self.head = nn.Linear(stack.maps, stack.head_bias.shape[1], dtype=dtype)
        self.head.weight.data.copy_(stack.head_weight.detach()[arm].T)
        self.head.bias.data.copy_(stack.head_bias.detach()[arm])

    def forward(self, text: Tensor) -> Tensor:
        """Logits `[b, C]` of text matrices `[b, n, D]`."""
        normal = self.input_norm(text.transpose(1, 2))
        pooled = []
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            height = convolution.kernel_size[0]
            left = (height - 1) // 2
            maps = convolution(F.pad(normal, (left, height - 1 - left)))
            pooled.append(norm(maps).relu().amax(dim=2))
        logits: Tensor = self.head(torch.cat(pooled, dim=1))
        return logits
