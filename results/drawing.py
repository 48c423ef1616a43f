"""Figures fit for a paper: one style, and the files that each is written as.

Widths are those of a journal's column or page. Lines differ in style and marker as well as in
colour (Okabe and Ito's, which the colour-blind tell apart), so that a grey print can be read. The
same records give the same bytes: no dates, and identifiers that hang on nothing else.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from model.metrics import Floats

COLUMN = 3.5
"""Width of a column of a two-column journal, in inches."""

PAGE = 7.16
"""Width of its page."""

SERIES: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#000000", "linestyle": ":", "marker": "D"},
    {"color": "#CC79A7", "linestyle": "-", "marker": "v"},
    {"color": "#E69F00", "linestyle": "--", "marker": "P"},
    {"color": "#56B4E9", "linestyle": "-.", "marker": "X"},
)
"""How the series of a figure look, in their order."""

_BELOW = 0.22
"""From a panel to the name of its epochs, in inches."""

_FONT = "DejaVu Sans"

_STYLE: dict[str, Any] = {
    "font.family": _FONT,  # comes with Matplotlib
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titley": 1.0,
    "axes.titlepad": 4,
    "grid.color": "0.9",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.parse_math": False,  # a label may hold any sign
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    "svg.hashsalt": "softsweep",
}

_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
"""The formats, each without what would change from day to day."""


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn.

    Attributes:
        name: the stem of its files.
        caption: what it shows, what its intervals and bands are, and what is left out.
        draw: makes it; called within the style.
    """

    name: str
    caption: str
    draw: Callable[[], "Figure"]


def rendered(drawing: Drawing) -> dict[str, bytes]:
    """A figure's files by their suffix: PNG, SVG and PDF.

    Args:
        drawing: what to draw.
    """
    from matplotlib import style

    files = {}
    with style.context(["default", _STYLE]):  # whatever the user's own settings are
        figure = drawing.draw()
        for form, metadata in _METADATA.items():
            out = io.BytesIO()
            figure.savefig(out, format=form, metadata=metadata)
            files[f".{form}"] = out.getvalue()
    return files


@dataclass(frozen=True)
class Margins:
    """What lies around the panels of a figure, in inches.

    Laid out by hand: Matplotlib's own ways draw everything several times over.

    Attributes:
        left: of the first column.
        right: of the last one.
        top: above the first row.
        bottom: below the last one.
        across: between two columns.
        down: between two rows.
    """

    left: float = 0.45
    right: float = 0.08
    top: float = 0.2
    bottom: float = 0.36
    across: float = 0.5
    down: float = 0.25


def new_figure(
    width: float,
    heights: Sequence[float],
    columns: int = 1,
    margins: Margins = Margins(),
) -> "tuple[Figure, list[list[Axes]]]":
    """A figure with empty panels; nothing of `pyplot`, which would keep it and ask for a display.

    Args:
        width: of the figure, in inches.
        heights: of each row of panels, in inches.
        columns: panels in a row.
        margins: around the panels.

    Returns:
        The figure, and its panels by row.
    """
    from matplotlib.figure import Figure

    tall = margins.top + sum(heights) + margins.down * (len(heights) - 1) + margins.bottom
    wide = (width - margins.left - margins.right - margins.across * (columns - 1)) / columns
    figure = Figure(figsize=(width, tall))
    panels = []
    above = tall - margins.top
    for height in heights:
        above -= height
        lefts = [margins.left + column * (wide + margins.across) for column in range(columns)]
        panels.append(
            [
                figure.add_axes((left / width, above / tall, wide / width, height / tall))
                for left in lefts
            ]
        )
        above -= margins.down
    return figure, panels


def legend_above(figure: "Figure", handles: "Mapping[str, Artist]") -> None:
    """A legend in one line, centred at the upper edge.

    Args:
        figure: where.
        handles: what it explains, by name.
    """
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="upper center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=len(handles),
        borderaxespad=0.1,
    )


def curve(axes: "Axes", values: "Floats", look: dict[str, Any], band: bool = True) -> "Artist":
    """Draw a curve over epochs, the mean over seeds, and return its line.

    Args:
        axes: where.
        values: one row a seed, `[K, E]`.
        look: how the line looks.
        band: whether it lies within a band from the least to the greatest of the seeds.
    """
    epochs = range(1, values.shape[1] + 1)
    if band and len(values) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(epochs, low, high, color=look["color"], alpha=0.15, linewidth=0)
    every = max(1, len(epochs) // 8)
    (line,) = axes.plot(epochs, values.mean(axis=0), markevery=every, **look)
    return line


def name_axes(axes: "Axes", x: str | None, y: str = "", beside: float = 0.28) -> None:
    """Name the axes of a panel over epochs, mark whole epochs and few values.

    Names lie at one distance in all panels: so they line up, and nothing is measured to place them.

    Args:
        axes: the panel.
        x: the name below; None for a panel above another one of the same epochs.
        y: the name on the left.
        beside: how far on the left, in inches.
    """
    from matplotlib.ticker import MaxNLocator

    wide, high = (length / axes.figure.dpi for length in axes.bbox.size)
    axes.xaxis.set_label_coords(0.5, -_BELOW / high)
    axes.yaxis.set_label_coords(-beside / wide, 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
    axes.tick_params(labelbottom=x is not None)
    axes.set_xlabel(x or "")
    axes.set_ylabel(y)


def drawable(text: str) -> str:
    """The text with � for signs that the font lacks, which would be boxes and a warning."""
    known = _signs()
    return "".join(sign if ord(sign) in known else "\N{REPLACEMENT CHARACTER}" for sign in text)


@cache
def _signs() -> frozenset[int]:
    """The signs that the font has."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(_FONT)).get_charmap())
