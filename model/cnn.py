"""The paper's network (section 4), with an arm axis first on every parameter.

A text is a sequence of n words; its matrix S `[n, D]` gathers their rows of the frozen word table.

    S -> BatchNorm -> for each height h: convolution over h full rows ('same' padding)
      -> BatchNorm -> ReLU -> maximum over positions -> dense -> C logits

The word table does not learn, so a convolution need not meet a word more than once a batch. With
rows x_t, normalised to (x_t − μ)/σ · γ + β, its output at position t is

    z_t = Σ_j W_j (γ · x̂_{t+j} + β),     j over the h rows of the window,

a sum over the window of *projected words*. Each distinct word is projected once for all taps j of
all heights, and the sum is an embedding bag. Windows that hold nothing but padding are computed
once a text (`model/sparse.py`). This equals the plain network exactly (tests/model/test_cnn.py
builds that one from PyTorch's modules) at a fraction of the operations.

The convolutions have no bias: the BatchNorm that follows subtracts it again.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.settings import NetworkSettings
from model.sparse import Positions, distinct_positions, norm_pool, pool, project

PREDICT_TEXTS = 256
"""Texts evaluated at a time, so that activations stay in tens of megabytes."""


class CNN(nn.Module):
    """A stack of A networks of one shape; a stack of one is the plain network.

    Args:
        settings: heights, filters, BatchNorm constants.
        columns: D, width of a word row.
        classes: C.
        seeds: seed of each arm, length A; an arm's initial values depend on its seed alone.
        dtype: of all parameters.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        columns: int,
        classes: int,
        seeds: Sequence[int],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.arms = len(seeds)
        self.taps = sum(settings.heights)
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

        # Tap k of all taps belongs to height h and reads row `window[k]` of the widest window.
        left = (max(settings.heights) - 1) // 2
        window = [left - (h - 1) // 2 + j for h in settings.heights for j in range(h)]
        first_taps = np.cumsum([0, *settings.heights[:-1]])
        self.register_buffer("window", torch.tensor(window), persistent=False)
        self.register_buffer("first_taps", torch.from_numpy(first_taps), persistent=False)
        self.window: Tensor
        self.first_taps: Tensor

    def forward(self, table: Tensor, words: Tensor) -> Tensor:
        """Logits of a mini-batch per arm, in training mode: batch statistics, running ones moved.

        Args:
            table: word rows, `[W, D]`.
            words: rows of the table, zero-padded at the start, `[A, b, n]`.

        Returns:
            `[A, b, C]`.
        """
        distinct, index = words.unique(return_inverse=True)
        rows = self._normalise_batch(table[distinct], index)
        projected = self._project(rows)
        positions = distinct_positions(words == 0, max(self.settings.heights))
        pooled, mean, var = norm_pool(
            self._convolve(projected, index, positions),
            self.map_scale,
            self.map_shift,
            positions,
            self.settings.norm_epsilon,
        )
        self._track("map", mean, var, words[0].numel())
        return self._head(pooled.view(self.arms, -1, self.maps))

    @torch.no_grad()
    def predict(self, table: Tensor, words: Tensor) -> Tensor:
        """Logits with the running statistics, every arm on the same texts.

        Args:
            table: word rows, `[W, D]`.
            words: rows of the table, `[m, n]`, zero-padded at the start.

        Returns:
            `[A, m, C]`.
        """
        distinct, index = words.unique(return_inverse=True)
        inverse = torch.rsqrt(self.input_var + self.settings.norm_epsilon)[:, None]
        rows = (table[distinct] - self.input_mean[:, None]) * inverse
        return torch.stack(
            [self._predict_arm(arm, rows[arm], index, words == 0) for arm in range(self.arms)]
        )

    def _predict_arm(self, arm: int, rows: Tensor, index: Tensor, padding: Tensor) -> Tensor:
        """Logits of one arm, `[m, C]`, in chunks of texts."""
        projected = self._project(rows[None], arm)
        scale = self.map_scale[arm] * torch.rsqrt(self.map_var[arm] + self.settings.norm_epsilon)
        shift = self.map_shift[arm] - self.map_mean[arm] * scale
        logits = []
        chunks = zip(index.split(PREDICT_TEXTS), padding.split(PREDICT_TEXTS), strict=True)
        for texts, pads in chunks:
            positions = distinct_positions(pads[None], max(self.settings.heights))
            maps = self._convolve(projected, texts[None], positions)
            pooled, _ = pool(maps * scale + shift, positions)
            logits.append(self._head(pooled[None], arm)[0])
        return torch.cat(logits)

    def _normalise_batch(self, rows: Tensor, index: Tensor) -> Tensor:
        """BatchNorm of the input without γ and β: `[U, D]` and uses `[A, b, n]` -> `[A, U, D]`.

        A distinct word weighs in the statistics as often as it occurs, padding included.
        """
        arms, positions, distinct = len(index), index[0].numel(), len(rows)
        by_arm = index.reshape(arms, -1) + distinct * torch.arange(
            arms, device=index.device
        ).unsqueeze(1)
        counts = torch.bincount(by_arm.reshape(-1), minlength=arms * distinct)
        share = counts.view(arms, distinct).to(rows.dtype) / positions
        mean = share @ rows
        centred = rows - mean[:, None]
        var = torch.einsum("au,aud->ad", share, centred.square())
        self._track("input", mean, var, positions)
        return centred * torch.rsqrt(var + self.settings.norm_epsilon)[:, None]

    def _project(self, rows: Tensor, arm: int | None = None) -> Tensor:
        """Every tap of every filter on each row: `[A, U, D]` -> `[A, U + 1, taps * filters]`.

        The last row stands for positions outside the text; `_convolve` never reads it.
        """
        pick = slice(None) if arm is None else slice(arm, arm + 1)
        return project(
            F.pad(rows, (0, 0, 0, 1)),
            self.filters[pick],
            self.input_scale[pick],
            self.input_shift[pick],
        )

    def _convolve(self, projected: Tensor, index: Tensor, positions: Positions) -> Tensor:
        """Sum the projected words of each window.

        Args:
            projected: `[A, U + 1, taps * filters]`.
            index: rows of `projected`, `[A, b, n]`.
            positions: those to compute.

        Returns:
            `[A, P, maps]`; maps are heights x filters.
        """
        arms, rows = projected.shape[:2]
        outside = rows - 1
        widest = max(self.settings.heights)
        left = (widest - 1) // 2
        padded = F.pad(index, (left, widest - 1 - left), value=outside)
        windows = padded.unfold(2, widest, 1).flatten(1, 2)  # [A, b * n, widest]
        arm = torch.arange(arms, device=index.device)[:, None]
        taps = windows[arm, positions.rows].index_select(2, self.window)  # [A, P, taps]
        tap = torch.arange(self.taps, device=index.device)
        never_read = outside * self.taps
        entries = (taps + arm[..., None] * rows) * self.taps + tap
        entries = torch.where(taps == outside, never_read, entries).view(-1, self.taps)
        bags = torch.arange(len(entries), device=index.device)[:, None] * self.taps
        summed = F.embedding_bag(
            entries.view(-1),
            projected.view(-1, self.settings.filters),
            (bags + self.first_taps).view(-1),
            mode="sum",
            padding_idx=never_read,
        )
        return summed.view(arms, -1, self.maps)

    def _track(self, name: str, mean: Tensor, var: Tensor, count: int) -> None:
        """Move running statistics towards a batch's, the variance made unbiased."""
        momentum = self.settings.norm_momentum
        with torch.no_grad():
            getattr(self, f"{name}_mean").lerp_(mean, momentum)
            getattr(self, f"{name}_var").lerp_(var * count / max(count - 1, 1), momentum)

    def _head(self, pooled: Tensor, arm: int | None = None) -> Tensor:
        """Dense layer on the pooled maps: `[A, b, maps]` -> `[A, b, C]`.

        ReLU comes after the maximum here: it is monotone, so the order does not matter.
        """
        pick = slice(None) if arm is None else slice(arm, arm + 1)
        return torch.baddbmm(self.head_bias[pick, None], pooled.relu(), self.head_weight[pick])


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
