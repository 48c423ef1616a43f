"""Figures: which there are, what they show and leave out, and whether they are fit for print."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from results.aggregation import aggregate
from results.drawing import PAGE, SERIES, Drawing, new_figure, rendered
from results.figures import all_figures, forest
from results.findings import Findings
from results.records import predictions_table, record_trial
from results.run import Run

RULES = ("own", "acc", "macro_f1", "micro_f1")
LOSSES = {"soft_macro_f1": ("SM-F1", "macro_f1"), "bce": ("BCE", "acc")}
EPOCHS = 4


def noisy(gold: NDArray[np.uint8], seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(gold.shape)
    return (2.0 * (gold - 0.5) + noise).astype(np.float32)


@pytest.fixture
def trained(arm_row: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """Record an arm as training does: curves, and predictions on dev and test."""

    def one(run: Path, gold: NDArray[np.uint8], loss: str, seed: int = 0, **changes: Any) -> None:
        label, own_metric = LOSSES[loss]
        changes = {"batch_size": 16, "label": label, "settings": "{}", **changes}
        cell = f"{loss}-{changes['batch_size']}-{changes['settings']}"
        arm = f"{cell}-{seed}"
        rng = np.random.default_rng([seed, changes["batch_size"]])
        names = ("acc", "macro_f1", "micro_f1", "soft_accuracy", "soft_macro_f1", "soft_micro_f1")
        epochs = [
            {
                "arm": arm,
                "epoch": epoch,
                "split": split,
                "loss": 1 / epoch if split == "train" else None,
            }
            | {name: epoch / 10 + rng.random() / 20 for name in names}
            for split in ("train", "dev", "test")
            for epoch in range(1, EPOCHS + 1)
        ]
        chosen = [(arm, split, 3, RULES, noisy(gold, seed + 5)) for split in ("dev", "test")]
        row = arm_row(arm, cell=cell, loss=loss, own_metric=own_metric, seed=seed, **changes)
        record_trial(
            run, f"trial-{len(list(run.glob('arms/*')))}", [row], epochs, predictions_table(chosen)
        )

    return one


def drawn(run: Path) -> dict[str, Drawing]:
    return {drawing.name: drawing for drawing in all_figures(Findings(Run(run)))}


@pytest.mark.figures
def test_aggregating_draws_every_figure_in_every_format(
    tmp_path: Path, toy: Callable[..., Any], trained: Callable[..., None]
) -> None:
    gold = toy(tmp_path)
    for loss in LOSSES:
        for seed in range(2):
            for batch_size in (16, 64):
                trained(tmp_path, gold, loss, seed, batch_size=batch_size)
    aggregate(tmp_path)
    names = ["figure2", "figure3_en", *(f"forest_{metric}_en" for metric in RULES[1:])]
    folder = tmp_path / "tables" / "figures"
    expected = {f"{name}.{form}" for name in names for form in ("png", "svg", "pdf")}
    assert {path.name for path in folder.iterdir()} == expected | {"figures.md"}
    page = (folder / "figures.md").read_text("utf-8")
    assert [f"![{name}]({name}.png)" in page for name in names] == [True] * len(names)
    assert "bands: from the least to the greatest of the seeds" in page
    assert "Lines: 95% intervals over texts and seeds." in page
    assert "Square and dashed line: BCE" in page
    with Image.open(folder / "figure2.png") as image:
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    for path in folder.glob("*.pdf"):
        content = path.read_bytes()
        assert b"/FontFile2" in content  # embedded TrueType
        assert b"/Type3" not in content
        assert b"CreationDate" not in content
    for path in folder.glob("*.svg"):
        assert "<dc:date>" not in path.read_text("utf-8")
    again = rendered(drawn(tmp_path)["figure3_en"])
    for form, content in again.items():
        assert (folder / f"figure3_en{form}").read_bytes() == content


def test_lines_are_told_apart_without_colour() -> None:
    assert len({(look["linestyle"], look["marker"]) for look in SERIES}) == len(SERIES)
    assert len({look["marker"] for look in SERIES}) == len(SERIES)


def panels_of(drawing: Drawing) -> Iterator[Any]:
    yield from drawing.draw().axes


def test_figure_2_has_a_panel_for_each_loss_and_language_and_a_line_for_each_batch_size(
    tmp_path: Path, toy: Callable[..., Any], trained: Callable[..., None]
) -> None:
    for language in ("en", "es"):
        gold = toy(tmp_path, language=language)
        for batch_size in (16, 32):
            changes = {"batch_size": batch_size, "language": language}
            settings = f'{{"learning_rate": 0.001, "of": "{language}"}}'
            trained(tmp_path, gold, "soft_macro_f1", settings=settings, **changes)
    trained(
        tmp_path,
        gold,
        "soft_macro_f1",
        language="es",
        settings='{"learning_rate": 0.003, "of": "es"}',
    )
    drawing = drawn(tmp_path)["figure2"]
    assert "1 further cells are left out" in drawing.caption
    english, spanish = panels_of(drawing)
    assert (english.get_title(), spanish.get_title()) == ("SM-F1, English", "SM-F1, Spanish")
    assert english.get_ylabel() == "dev M-F1 (points)"
    assert (english.get_xlabel(), spanish.get_xlabel()) == ("", "epoch")
    assert len(english.lines) == len(spanish.lines) == 2
    curve = Findings(Run(tmp_path)).curves.of_arm(
        'soft_macro_f1-16-{"learning_rate": 0.001, "of": "en"}-0', "dev", "macro_f1"
    )
    assert english.lines[0].get_ydata() == pytest.approx(100 * curve)
    assert not english.collections  # one seed has no band


def test_figure_3_shows_metric_and_loss_on_every_split(
    tmp_path: Path, toy: Callable[..., Any], trained: Callable[..., None]
) -> None:
    gold = toy(tmp_path)
    for loss in LOSSES:
        for seed in range(2):
            trained(tmp_path, gold, loss, seed)
    soft, bce, loss_of_soft, loss_of_bce = panels_of(drawn(tmp_path)["figure3_en"])
    assert (soft.get_title(), bce.get_title()) == ("SM-F1", "BCE")
    assert (soft.get_ylabel(), bce.get_ylabel()) == ("M-F1 (points)", "Acc (points)")
    assert len(soft.lines) == 6  # train, dev, test, each with the soft metric
    assert len(bce.lines) == 3  # BCE is no soft metric
    assert len(soft.collections) == len(bce.collections) == 3  # bands
    assert loss_of_soft.get_ylabel() == "loss on train"
    for axes in (loss_of_soft, loss_of_bce):
        assert axes.lines[0].get_ydata() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


def test_a_forest_plot_is_ordered_and_legible_however_many_cells_there_are() -> None:
    findings = Findings.__new__(Findings)
    findings.__dict__["scores"] = [score(f"{place:02}", 0.2 + place / 100) for place in range(40)]
    (drawing,) = forest.figures(findings)
    assert drawing.name == "forest_acc_en"
    assert "10 cells that rank lower are left out." in drawing.caption
    assert "Square and dashed line: BCE, with which most are compared." in drawing.caption
    (axes,) = panels_of(drawing)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:2] == ["BCE (file 39)", "BCE (file 38)"]
    assert names[-1] == "BCE (file 00)"  # the control is always there
    assert len(names) == 30
    assert axes.texts[0].get_text() == "59.0 [49.0, 69.0]"
    assert axes.get_xlabel() == "Acc (points)"


def score(cell: str, value: float) -> dict[str, Any]:
    """A score of a cell, BCE 00 being the control of all."""
    row: dict[str, Any] = {"cell": cell, "corpus": "toy", "language": "en", "loss": "bce"}
    row |= {
        "label": "BCE",
        "loss_sha256": cell,
        "batch_size": 16,
        "settings": "{}",
        "searched_by": None,
    }
    row |= {"split": "test", "protocol": "dev -> test", "chosen_by": "acc", "threshold": "tuned"}
    interval = {"both_lo": value - 0.1, "both_hi": value + 0.1, "lo": value, "hi": value}
    return row | {"metric": "acc", "value": value, "control": "00"} | interval


def test_one_seed_and_signs_that_no_font_has(
    tmp_path: Path, toy: Callable[..., Any], trained: Callable[..., None]
) -> None:
    gold = toy(tmp_path)
    trained(tmp_path, gold, "soft_macro_f1", label="損失 $x_1$ SM-Fβ")
    drawings = drawn(tmp_path)
    assert "Hollow: one seed, 95% interval over texts alone." in drawings["forest_acc_en"].caption
    (axes,) = panels_of(drawings["forest_acc_en"])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["\ufffd\ufffd $x_1$ SM-Fβ"]
    for name in ("figure2", "forest_acc_en"):
        files = rendered(drawings[name])  # a warning would be an error
        assert list(files) == [".png", ".svg", ".pdf"]
        assert all(files.values())


def test_arms_that_measured_nothing_have_no_curves(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): noisy(gold, 0)})  # nothing of dev: nothing is tuned
    assert drawn(tmp_path) == {}


def test_figures_are_as_wide_as_they_say() -> None:
    figure, rows = new_figure(PAGE, (1.0, 0.5), columns=3)
    assert figure.get_figwidth() == PAGE
    heights = [axes.get_position().height * figure.get_figheight() for (axes, *_) in rows]
    assert heights == pytest.approx([1.0, 0.5])
    drawing = Drawing("t", "", lambda: figure)
    images = rendered(drawing)
    assert Image.open(io.BytesIO(images[".png"])).width == pytest.approx(200 * PAGE, abs=1)
    assert re.search(rb"MediaBox \[ 0 0 515.52 ", images[".pdf"])


def test_a_new_figure_is_one_function_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zz_empty.py").write_text(
        "from results.drawing import Drawing, new_figure\n"
        "def figures(findings):\n"
        "    return [Drawing('empty', 'Nothing.', lambda: new_figure(3.5, [1.0])[0])]\n"
    )
    monkeypatch.setattr("results.figures.__path__", [str(tmp_path)])
    try:
        (drawing,) = all_figures(Findings.__new__(Findings))
    finally:
        sys.modules.pop("results.figures.zz_empty", None)
    assert isinstance(drawing.draw(), Figure)
