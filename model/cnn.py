"""The paper's network (section 4), with an arm axis first on every parameter.

A text is a sequence of n words; its matrix S `[n, D]` gathers their rows of the frozen word table.

    S -> BatchNorm -> for each height h: convolution over h full rows ('same' padding)
      -> BatchNorm -> ReLU -> maximum over positions -> dense -> C logits

(In training, dropout may come before the dense layer.)

The word table does not learn, so a convolution need not meet a word more than once a batch. With
rows x_t, normalised to (x_t − μ)/σ · γ + β, its output at position t is

    z_t = Σ_j W_j (γ · x̂_{t+j} + β),     j over the h rows of the window,

a sum over the window of *projected words*. Each distinct word is projected once for all taps j of
all heights, and the sum is an embedding bag. Windows that hold nothing but padding are computed
once a text (`model/batches.py`). This equals the plain network exactly (tests/model/test_cnn.py
builds that one from PyTorch's modules) at a fraction of the operations.

The convolutions have no bias: the BatchNorm that follows subtracts it again.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.batches import Batch, Windows
from model.settings import NetworkSettings
from model.sparse import convolve, norm_pool, product, project, sum_windows
from model.texts import Block

POSITIONS, POSITIONS_ON_DEVICE = 4096, 131_072
"""Positions evaluated at a time: megabytes that stay in a cache, or work that fills a device."""


def no_beat() -> None:
    """Stands in where nobody watches for signs of life."""


class CNN(nn.Module):
    """A stack of A networks of one shape; a stack of one is the plain network.

    Arms of equal seed are a group: they read the same mini-batches.

    Attributes:
        windows: which taps make a window.
        group_seeds: seed of each group, in order of its first arm, G of them.
        group: of each arm, `[A]`.

    Args:
        settings: heights, filters, BatchNorm constants.
        columns: D, width of a word row.
        classes: C.
        seeds: seed of each arm, length A; an arm's initial values depend on its seed alone.
        dtype: of all parameters.
        product_dtype: to which the first layer's products are rounded, factors and results.
        device: where to hold them.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        columns: int,
        classes: int,
        seeds: Sequence[int],
        dtype: torch.dtype = torch.float32,
        product_dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.settings = settings
        self.product_dtype = product_dtype or dtype
        self.windows = Windows.of(settings.heights, device)
        self.group_seeds = list(dict.fromkeys(seeds))
        group = [self.group_seeds.index(seed) for seed in seeds]
        self.group = torch.tensor(group, device=device)
        self.arms = len(seeds)
        self.maps = len(settings.heights) * settings.filters

        drawn = [initial_weights(settings, columns, classes, seed) for seed in seeds]
        stacked = [
            torch.from_numpy(np.stack(arrays)).to(dtype) for arrays in zip(*drawn, strict=True)
        ]
        self.filters = nn.Parameter(stacked[0])  # [A, D, taps * filters]
        self.head_weight = nn.Parameter(stacked[1])  # [A, maps, C]
        self.head_bias = nn.Parameter(torch.zeros(self.arms, classes, dtype=dtype))

        def parameter(value: float, width: int) -> nn.Parameter:
            return nn.Parameter(torch.full((self.arms, width), value, dtype=dtype))

        self.input_scale, self.input_shift = parameter(1, columns), parameter(0, columns)
        self.map_scale, self.map_shift = parameter(1, self.maps), parameter(0, self.maps)
        for name, width in (("input", columns), ("map", self.maps)):
            self.register_buffer(f"{name}_mean", torch.zeros(self.arms, width, dtype=dtype))
            self.register_buffer(f"{name}_var", torch.ones(self.arms, width, dtype=dtype))
        self.input_mean: Tensor
        self.input_var: Tensor
        self.map_mean: Tensor
        self.map_var: Tensor

        self.to(device)

    @property
    def weights(self) -> tuple[nn.Parameter, nn.Parameter]:
        """The parameters that are neither biases nor BatchNorm's."""
        return self.filters, self.head_weight

    def forward(self, table: Tensor, batch: Batch, kept: Tensor | None = None) -> Tensor:
        """Logits of a mini-batch per group, in training mode: batch statistics, running ones moved.

        Args:
            table: word rows, `[W, D]`.
            batch: of each group of arms.
            kept: by what dropout multiplies the pooled features, `[G, b, maps]`.

        Returns:
            `[A, b, C]`.
        """
        rows, mean, var = self._normalise_batch(table[batch.words], batch.share)
        self._track("input", mean[self.group], var[self.group], batch.places)
        projected = project(
            rows, self.filters, self.input_scale, self.input_shift, self.group, self.product_dtype
        )
        pooled, mean, var = norm_pool(
            convolve(projected, batch, self.group, self.windows),
            self.map_scale,
            self.map_shift,
            batch,
            self.group,
            self.settings.norm_epsilon,
        )
        self._track("map", mean, var, batch.places)
        # ReLU comes after the maximum here: it is monotone, so the order does not matter.
        maps = pooled.view(self.arms, -1, self.maps).relu()
        if kept is not None:
            maps = maps * kept[self.group]
        return torch.baddbmm(self.head_bias[:, None], maps, self.head_weight)

    def _normalise_batch(self, rows: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """BatchNorm of the input without γ and β; a word weighs as often as it occurs.

        Args:
            rows: distinct word rows, `[G, U, D]`.
            share: of places that each holds, padding included, `[G, U]`.

        Returns:
            x̂ behind a row of zeros, `[G, 1 + U, D]`, mean and (biased) variance, `[G, D]`.
        """
        mean = share[:, None] @ rows
        centred = rows - mean
        var = share[:, None] @ centred.square()
        normalised = centred.mul_(torch.rsqrt(var + self.settings.norm_epsilon))
        return F.pad(normalised, (0, 0, 1, 0)), mean.squeeze(1), var.squeeze(1)

    @torch.no_grad()
    def predict(
        self, table: Tensor, texts: Sequence[Block], beat: Callable[[], None] = no_beat
    ) -> Tensor:
        """Logits with the running statistics, every arm on the same texts.

        Args:
            table: word rows, `[W, D]`.
            texts: of `model.texts.arrange`, m in all.
            beat: called after each block of texts: a sign of life.

        Returns:
            `[A, m, C]`.
        """
        logits = []
        for block in texts:
            logits.append(self._predict_block(table, block))
            beat()
        return torch.cat(logits, dim=1)

    def _predict_block(self, table: Tensor, block: Block) -> Tensor:
        """Logits of a block, `[A, m, C]`; one arm's projected words are held at a time."""
        at_most = POSITIONS if table.device.type == "cpu" else POSITIONS_ON_DEVICE
        pooled = table.new_empty(len(block.read), self.maps)
        shift = self.map_shift - self.map_mean * self._map_slope()
        rows, chunks = table[block.words], list(block.chunks(self.windows.taps, at_most))
        logits = []
        for arm in range(self.arms):
            projected = self._project_all(rows, arm)
            for chunk, entries in chunks:
                pooled[chunk] = self._pool_texts(projected, entries)
            maps = pooled.add_(shift[arm]).relu_()
            logits.append(torch.addmm(self.head_bias[arm], maps, self.head_weight[arm]))
        return torch.stack(logits)

    def _map_slope(self) -> Tensor:
        """What BatchNorm multiplies each map by, `[A, maps]`."""
        return self.map_scale * torch.rsqrt(self.map_var + self.settings.norm_epsilon)

    def _project_all(self, rows: Tensor, arm: int) -> Tensor:
        """Distinct words of one arm, projected; both BatchNorms' slopes are linear and folded in.

        Returns:
            One row per word and tap, those of row 0 zero: `[(1 + U) * taps, filters]`.
        """
        inverse = torch.rsqrt(self.input_var[arm] + self.settings.norm_epsilon)
        slope = self.input_scale[arm] * inverse
        scaled = torch.addcmul(self.input_shift[arm] - self.input_mean[arm] * slope, rows, slope)
        by_tap = self._map_slope()[arm].view(-1, self.settings.filters)[self.windows.height]
        filters = self.filters[arm] * by_tap.view(-1)
        projected = product(F.pad(scaled, (0, 0, 1, 0)), filters, self.product_dtype)
        return projected.view(-1, self.settings.filters)

    def _pool_texts(self, projected: Tensor, entries: Tensor) -> Tensor:
        """Convolve and pool texts of one length: `[k, p * taps]` -> `[k, maps]`."""
        summed = sum_windows(projected, entries.view(-1), self.windows)
        return summed.view(len(entries), -1, self.maps).amax(1)

    def _track(self, name: str, mean: Tensor, var: Tensor, count: int) -> None:
        """Move running statistics towards a batch's, the variance made unbiased."""
        momentum = self.settings.norm_momentum
        with torch.no_grad():
            getattr(self, f"{name}_mean").lerp_(mean, momentum)
            getattr(self, f"{name}_var").lerp_(var * count / max(count - 1, 1), momentum)


def initial_weights(
    settings: NetworkSettings, columns: int, classes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Glorot-uniform filters `[D, taps * filters]` and head `[maps, C]` of one arm.

    Drawn by NumPy from (seed, 0) alone, hence equal on every device and in every stack; epoch e's
    batch order is drawn from (seed, e).
    """
    generator = np.random.default_rng([seed, 0])
    blocks = []
    for height in settings.heights:
        limit = np.sqrt(6 / (height * (columns + settings.filters)))
        drawn = generator.uniform(-limit, limit, (height, columns, settings.filters))
        blocks.append(drawn.transpose(1, 0, 2).reshape(columns, -1))
    maps = len(settings.heights) * settings.filters
    limit = np.sqrt(6 / (maps + classes))
    return np.concatenate(blocks, axis=1), generator.uniform(-limit, limit, (maps, classes))


def kept_features(
    seeds: Sequence[int], epoch: int, step: int, rate: float, texts: int, maps: int
) -> Tensor:
    """Which features of a batch dropout keeps, `[G, b, maps]`.

    Drawn by NumPy from (seed, epoch, step), both counted from 1, hence equal on every device.
    """
    drawn = [
        np.random.default_rng([seed, epoch, step]).random((texts, maps), np.float32) >= rate
        for seed in seeds
    ]
    return torch.from_numpy(np.stack(drawn))
