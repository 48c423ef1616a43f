"""Mini-batches as indices, prepared many at a time; all arms that read a batch share them.

The word table does not learn, so what a batch needs of a text is which words it holds and which
windows they make. A batch is described by its *distinct* words, projected once each, and by lists
of which projected word each window sums (and, for the gradient, which windows sum each word).

A text that is shorter than n begins with padding, and windows that hold nothing else are all the
same: one of them is computed, with a weight that says how many it stands for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

PLACES, PLACES_FILLED = 65_536, 2_000_000
"""Places (texts times n) prepared together, cut to size or filled up: enough to share the calls,
few enough for a cache or for a device's memory."""

FILL_TO = 64
"""Where batches are not cut to size, sizes are multiples of this, so that shapes rarely differ."""


Shape = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Windows:
    """Which rows of a text the convolutions see: tap k of all taps belongs to one height.

    A window of h rows reaches (h - 1) // 2 rows back and h // 2 ahead ('same' padding).

    Attributes:
        heights: rows that the filters of each branch span.
        reach: rows that the tallest window reaches back.
        row: row of the tallest window that each tap reads, `[taps]`.
        height: index of the height that each tap belongs to, `[taps]`.
        first: first tap of each height, `[H]`.
    """

    heights: tuple[int, ...]
    reach: int
    row: Tensor
    height: Tensor
    first: Tensor

    @classmethod
    def of(cls, heights: Sequence[int], device: torch.device | str = "cpu") -> "Windows":
        """The windows of these heights, with their tensors on a device."""
        reach = (max(heights) - 1) // 2
        row = [reach - (h - 1) // 2 + j for h in heights for j in range(h)]
        height = [index for index, h in enumerate(heights) for _ in range(h)]
        first = [sum(heights[:index]) for index in range(len(heights))]
        made = (torch.tensor(v, dtype=torch.int32, device=device) for v in (row, height, first))
        return cls(tuple(heights), reach, *made)

    @property
    def tallest(self) -> int:
        """Rows of the tallest window."""
        return max(self.heights)

    @property
    def taps(self) -> int:
        """Taps of all heights together."""
        return sum(self.heights)

    def kept(self, pads: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Which positions are computed, and how many each stands for.

        With p leading pads, positions (H - 1) // 2 to p - 1 - H // 2 see only padding at every
        height up to the tallest, H: p - H + 1 equal positions, of which the first is kept.

        Args:
            pads: leading pads of each text, `[..., 1]`.
            length: n.

        Returns:
            Whether kept, and weight, both `[..., n]`.
        """
        repeats = (pads - self.tallest).clamp(min=0)
        place = torch.arange(length, device=pads.device)
        kept = (place <= self.reach) | (place > self.reach + repeats)
        return kept, torch.where(place == self.reach, 1 + repeats, 1)

    def pad(self, rows: Tensor) -> Tensor:
        """Rows of texts, `[..., n]`, with room for windows that reach over their edges."""
        return F.pad(rows, (self.reach, self.tallest - 1 - self.reach))


@dataclass(frozen=True)
class Batch:
    """A mini-batch for each of G groups of arms; of a series of steps, that many times G.

    Row 0 of the projected words is zero and stands for places outside a text; row 1 + u is the
    group's distinct word u. Groups with fewer words or positions than others are filled up.

    Attributes:
        words: rows of the word table, `[G, U]`.
        share: of the b * n places of the batch, those that a word holds, `[G, U]`.
        entries: projected word that each tap of a position reads, as row * taps + tap,
            `[G, P, taps]`.
        uses: the same the other way round: places (position * H + height) sorted by the entry that
            they read, `[G, P * taps]`.
        use_starts: where in `uses` those of an entry begin, `[G, (1 + U) * taps]`.
        weight: of the b * n places, those that a position stands for, `[G, P]`.
        text_rows: positions text by text; filling repeats the last one, `[G, P]`.
        text_starts: where in `text_rows` each text begins, `[G, b]`.
        targets: labels of the texts, `[G, b, C]`.
        places: b * n.
    """

    words: Tensor
    share: Tensor
    entries: Tensor
    uses: Tensor
    use_starts: Tensor
    weight: Tensor
    text_rows: Tensor
    text_starts: Tensor
    targets: Tensor
    places: int

    @property
    def shape(self) -> Shape:
        """Sizes of all tensors."""
        return tuple(tuple(tensor.shape) for tensor in self.tensors().values())

    def tensors(self) -> dict[str, Tensor]:
        """All but `places`, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "places"}


def leading_pads(words: Tensor) -> Tensor:
    """How many pads each text begins with: `[..., n]` -> `[...]`."""
    return (words == 0).cumprod(dim=-1).sum(dim=-1)


def prepare(words: Tensor, targets: Tensor, windows: Windows, multiple: int = 1) -> Batch:
    """Describe N batches; texts of a batch share its distinct words.

    Args:
        words: rows of the word table, zero-padded at the start, `[N, b, n]`.
        targets: labels, `[N, b, C]`, in the type in which shares and weights are wanted.
        windows: of the network.
        multiple: U and P are filled up to a multiple of this.
    """
    batches, _, length = words.shape
    places = words[0].numel()
    rows = torch.int32

    ordered, order = words.reshape(batches, -1).sort(dim=1)
    rank = F.pad((ordered[:, 1:] != ordered[:, :-1]).cumsum(dim=1), (1, 0))
    distinct = _round_up(int(rank.max()) + 1, multiple)
    index = torch.empty_like(rank).scatter_(1, order, rank).view_as(words)
    occurrences = _histograms(rank, distinct)

    kept, stands_for = windows.kept(leading_pads(words)[..., None], length)
    by_text = kept.sum(dim=2)
    positions = by_text.sum(dim=1, keepdim=True)
    most = _round_up(int(positions.max()), multiple)
    slot = torch.where(kept, kept.view(batches, -1).cumsum(dim=1).view_as(kept) - 1, most)
    place = torch.zeros(batches, most + 1, dtype=torch.long, device=words.device)
    every = torch.arange(places, device=words.device).expand(batches, -1)
    place = place.scatter_(1, slot.view(batches, -1), every)[:, :most]
    filled = torch.arange(most, device=words.device) < positions

    read = windows.pad(index + 1)
    first_row = place + place // length * (read.shape[2] - length)
    taken = read.view(batches, -1).gather(1, (first_row[..., None] + windows.row).flatten(1))
    taps, width = windows.taps, (1 + distinct) * windows.taps
    entries = taken.view(batches, most, taps) * filled[..., None] * taps
    entries += torch.arange(taps, device=words.device)
    # What fills up sorts behind every entry, in order: it is cut off, or adds a gradient of zero to
    # the last entry.
    keys = torch.where(filled[..., None], entries, width).view(batches, -1)
    by_entry = keys.to(rows).argsort(dim=1, stable=True)
    used = _histograms(keys, width + 1)[:, :width]
    return Batch(
        words=torch.zeros(batches, distinct, dtype=rows, device=words.device).scatter_(
            1, rank, ordered.to(rows)
        ),
        share=occurrences.to(targets.dtype) / places,
        entries=entries.to(rows),
        uses=(by_entry // taps * len(windows.heights) + windows.height[by_entry % taps]).to(rows),
        use_starts=(used.cumsum(dim=1) - used).to(rows),
        weight=(stands_for.view(batches, -1).gather(1, place) * filled).to(targets.dtype) / places,
        text_rows=torch.minimum(torch.arange(most, device=words.device), positions - 1).to(rows),
        text_starts=(by_text.cumsum(dim=1) - by_text).to(rows),
        targets=targets,
        places=places,
    )


def _round_up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _histograms(values: Tensor, width: int) -> Tensor:
    """How often each of 0 to width - 1 occurs in each row: `[N, m]` -> `[N, width]`."""
    row = torch.arange(len(values), device=values.device)[:, None]
    return torch.bincount((values + width * row).view(-1), minlength=len(values) * width).view(
        len(values), width
    )


def epoch_batches(
    words: Tensor, targets: Tensor, order: Tensor, batch_size: int, windows: Windows, *, cut: bool
) -> Iterator[Batch]:
    """The mini-batches of an epoch, prepared once for all arms that read them.

    Args:
        words: rows of the word table, zero-padded at the start, `[m, n]`.
        targets: labels, `[m, C]`.
        order: in which each group reads the texts, `[G, m]`.
        batch_size: b; the last batch may be smaller.
        windows: of the network.
        cut: whether to cut each batch to its own size, which saves work. Otherwise shapes rarely
            change, as a recorded step needs, and nothing waits for a device between two steps.
    """
    groups, texts = order.shape
    whole = texts // batch_size
    places = groups * batch_size * words.shape[1]
    at_once = max(1, (PLACES if cut else PLACES_FILLED) // places)
    for first in range(0, whole, at_once):
        steps = min(at_once, whole - first)
        read = order[:, first * batch_size : (first + steps) * batch_size]
        read = read.view(groups, steps, batch_size).transpose(0, 1).reshape(-1, batch_size)
        series = prepare(words[read], targets[read], windows, 1 if cut else FILL_TO)
        yield from _steps(series, groups, windows.taps, cut=cut)
    if texts % batch_size:
        read = order[:, whole * batch_size :]
        yield prepare(words[read], targets[read], windows)


def _steps(series: Batch, groups: int, taps: int, *, cut: bool) -> Iterator[Batch]:
    """The batches of a series of steps, `[steps * G, ...]` -> `[G, ...]` each."""
    count = len(series.words) // groups
    most = []
    if cut:
        sizes = torch.stack([(v > 0).sum(dim=1) for v in (series.share, series.weight)], dim=1)
        most = sizes.view(count, groups, 2).amax(dim=1).tolist()
    for step in range(count):
        mine = slice(step * groups, (step + 1) * groups)
        batch = {name: tensor[mine] for name, tensor in series.tensors().items()}
        if cut:
            words, positions = most[step]
            lengths = {
                "words": words,
                "share": words,
                "entries": positions,
                "uses": positions * taps,
                "use_starts": (1 + words) * taps,
                "weight": positions,
                "text_rows": positions,
            }
            batch |= {name: batch[name][:, :length] for name, length in lengths.items()}
        yield Batch(**batch, places=series.places)
