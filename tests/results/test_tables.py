"""The paper's tables from records, and each rendering of them."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

import results.tables
from results.aggregation import aggregate
from results.derived import DERIVED
from results.errors import RecordError
from results.findings import Findings
from results.fromarrow import from_arrow
from results.layout import scores_table
from results.records import record_examples
from results.render import Figure, Table, TwoDecimals, render
from results.tables import all_tables

RULES = ("own", "acc", "macro_f1", "micro_f1")
LOSSES = {
    "mse": "MSE",
    "zlpr": "ZLPR",
    "soft_micro_f1": "Sm-F1",
    "bce": "BCE",
    "soft_accuracy": "SAcc",
    "soft_macro_f1": "SM-F1",
}


def known(scores: list[dict[str, Any]]) -> Findings:
    """Findings of which only the scores are known."""
    findings = Findings.__new__(Findings)
    findings.__dict__.update(scores=scores, per_class=[], corpora=[], claims=[])
    return findings


def score(metric: str = "acc", **changes: Any) -> dict[str, Any]:
    row = {
        "cell": "c",
        "corpus": "toy",
        "language": "en",
        "loss": "bce",
        "label": "BCE",
        "loss_sha256": "a" * 64,
        "batch_size": 16,
        "settings": '{"warmup_epochs": 0}',
        "searched_by": None,
        "split": "test",
        "protocol": "dev -> test",
        "chosen_by": "own",
        "threshold": "0.5",
        "metric": metric,
        "status": "ok",
        "value": 0.5,
        "half_width": 0.0123,
        "both_lo": None,
        "both_hi": None,
        "control": None,
        "to_control": None,
        "to_control_lo": None,
        "to_control_hi": None,
        "never_predicted": [],
        "labels": 3,
        "paper_star": False,
        "seeds": 5,
        "seeds_ok": 5,
        "seeds_failed": 0,
        "device": "cpu",
        "threads": "1",
        "width": "1",
        "texts": 100,
        "resamples": 5000,
    }
    return row | changes


def cell(loss: str, values: tuple[float | None, ...], **changes: Any) -> list[dict[str, Any]]:
    metrics = ("acc", "macro_f1", "micro_f1")
    named = {"cell": loss, "loss": loss, "label": LOSSES[loss]} | changes
    return [score(m, value=v, **named) for m, v in zip(metrics, values, strict=True)]


def test_rows_come_in_the_order_of_the_paper_and_the_best_is_marked() -> None:
    scores = [row for loss in LOSSES for row in cell(loss, (0.4, 0.3, 0.2))]
    scores += cell("bce", (0.5, 0.1, 0.2), cell="better", batch_size=32)
    table = scores_table("t", "T", scores)
    assert table.columns == ("Loss", "b", "Acc", "M-F1", "m-F1")
    assert [row[:2] for row in table.rows] == [
        ("SAcc", 16),
        ("SM-F1", 16),
        ("Sm-F1", 16),
        ("BCE", 16),
        ("MSE", 16),
        ("ZLPR", 16),
        ("BCE", 32),
    ]
    assert table.breaks == {6}
    best = [[bool(getattr(value, "best", False)) for value in row[2:]] for row in table.rows]
    assert [row[0] for row in best] == [False] * 6 + [True]
    assert [row[1] for row in best] == [True] * 6 + [False]


def test_settings_that_differ_are_named_and_no_others() -> None:
    both = cell("soft_accuracy", (0.4, 0.3, 0.2), settings='{"lr": 0.001, "warmup_epochs": 0}')
    both += cell(
        "soft_accuracy", (0.4, 0.3, 0.2), cell="w", settings='{"warmup_epochs": 1, "lr": 0.001}'
    )
    table = scores_table("t", "T", both)
    assert [row[0] for row in table.rows] == ["SAcc (warmup_epochs=0)", "SAcc (warmup_epochs=1)"]
    edited = cell("bce", (0.4, 0.3, 0.2)) + cell("bce", (0.4, 0.3, 0.2), cell="e", loss_sha256="b9")
    labels = [row[0] for row in scores_table("t", "T", edited).rows]
    assert labels == ["BCE (file aaaaaaaa)", "BCE (file b9)"]


def test_cells_that_went_wrong_are_shown() -> None:
    gone = {"half_width": None, "paper_star": None, "status": "diverged", "seeds_ok": 0}
    scores = cell("bce", (0.4, 0.3, 0.2), seeds_ok=3, seeds_failed=2)
    scores += cell("mse", (None, None, None), seeds_failed=5, **gone)
    table = scores_table("t", "T", scores)
    assert [str(value) for value in table.rows[0]] == [
        "BCE", "40.00 ± 1.23†", "30.00 ± 1.23†", "20.00 ± 1.23†",
    ]  # fmt: skip
    assert table.rows[1] == ("MSE", "diverged", "diverged", "diverged")
    assert "† seeds that diverged or failed are left out: BCE (b=16) 2 of 5." in table.notes
    assert "| MSE | diverged | diverged | diverged |" in render(table, "markdown")
    rows = list(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert [row["status"] for row in rows] == ["partial", "diverged"]
    assert rows[1]["Acc"] == rows[1]["Acc half width"] == ""


def test_published_figures_stand_beside_the_same_corpus_only() -> None:
    here = {"corpus": "semeval2018-ec", "language": "es"}
    scores = cell("soft_macro_f1", (0.4, 0.3, 0.2), **here)
    scores += cell("zlpr", (0.4, 0.3, 0.2), **here)
    scores += cell("soft_macro_f1", (0.4, 0.3, 0.2), cell="b32", batch_size=32, **here)
    table = scores_table("t", "T", scores)
    assert table.columns[-3:] == ("paper Acc", "paper M-F1", "paper m-F1")
    assert table.rows[0][-3:] == (
        Figure(45.26, 1.40), Figure(45.25, 1.57, star=True), Figure(55.10, 1.30),
    )  # fmt: skip
    assert table.rows[1][-3:] == table.rows[2][-3:] == (None, None, None)  # not measured there
    for other in ({"corpus": "toy"}, {"corpus": "semeval2018-ec", "language": "ar"}):
        columns = scores_table("t", "T", cell("bce", (0.4, 0.3, 0.2), **other)).columns
        assert not [column for column in columns if "paper" in column]


def test_published_figures_go_by_the_loss_and_not_by_its_label() -> None:
    here = {"corpus": "semeval2018-ec", "language": "es"}
    mine = cell("zlpr", (0.4, 0.3, 0.2), label="SAcc", **here)
    renamed = cell("soft_accuracy", (0.4, 0.3, 0.2), label="SAcc'", **here)
    table = scores_table("t", "T", renamed + mine)
    assert [row[0] for row in table.rows] == ["SAcc'", "SAcc"]
    assert all(isinstance(value, Figure) for value in table.rows[0][-3:])
    assert table.rows[1][-3:] == (None, None, None)


def test_a_table_of_arms_that_were_not_trained_alike_says_so() -> None:
    scores = cell("bce", (0.4, 0.3, 0.2), width="2, 16")
    scores += cell("mse", (0.4, 0.3, 0.2), width="2", device="cuda")
    gone = {"value": None, "status": "failed", "seeds_ok": 0}
    lost = [row | gone for row in cell("zlpr", (0, 0, 0), device="", threads="", width="")]
    table = scores_table("t", "T", scores + lost)
    assert (
        "These arms were not all trained alike: they differ in device (cpu, cuda) and "
        "stack width (2, 16), which alone can change their numbers."
    ) in table.notes
    alike = scores_table("t", "T", cell("bce", (0.4, 0.3, 0.2)) + lost)
    assert not [note for note in alike.notes if "alike" in note]


def test_what_a_star_means_with_one_seed_is_said() -> None:
    note = "With one seed, a star says these trained networks differ, not that the losses do."
    one = cell("bce", (0.4, 0.3, 0.2), seeds=1, seeds_ok=1)
    assert note in scores_table("t", "T", one).notes
    assert note not in scores_table("t", "T", cell("bce", (0.4, 0.3, 0.2))).notes


@pytest.mark.parametrize(
    ("corpus", "language", "name", "title"),
    [
        ("semeval2018-ec", "en", "table2_en", "Table 2: English (semeval2018-ec), test set"),
        ("semeval2018-ec", "es", "table3_es", "Table 3: Spanish (semeval2018-ec), test set"),
        ("semeval2018-ec", "ar", "scores_ar", "Scores: Arabic (semeval2018-ec), test set"),
        ("sample", "en", "table2_en", "Table 2: English (sample), test set"),
        ("toy", "en", "scores_en", "Scores: English (toy), test set"),
    ],
)
def test_tables_are_numbered_on_the_corpus_of_the_paper_only(
    corpus: str, language: str, name: str, title: str
) -> None:
    scores = cell("bce", (0.1, 0.2, 0.3), corpus=corpus, language=language)
    both = all_tables(known([*scores, *(row | {"chosen_by": row["metric"]} for row in scores)]))
    both = [table for table in both if not table.name.startswith("leaderboard")]
    assert [table.name for table in both] == [f"{name}_by_each_metric", name]
    assert all(table.title.startswith(title) for table in both)


def test_titles_and_names() -> None:
    halves = {"protocol": "dev halves", "split": "dev", "corpus": "sample"}
    scores = cell("bce", (0.1, 0.2, 0.3), **halves)
    spanish = {"cell": "es", "corpus": "sample", "language": "es"}
    scores += cell("bce", (0.1, 0.2, 0.3), seeds=1, seeds_ok=1, **spanish)
    scores += cell("bce", (0.1, 0.2, 0.3), cell="ca", language="ca")
    scores += [row | {"chosen_by": row["metric"]} for row in scores]
    tables = {table.name: table for table in all_tables(known(scores))}
    names = ["scores_ca", "table2_en", "table3_es"]
    papers = [name for name in tables if not name.startswith("leaderboard")]
    assert sorted(papers) == sorted([*names, *(f"{name}_by_each_metric" for name in names)])
    assert [tables[name].headline for name in names] == [True] * 3
    assert not tables["table2_en_by_each_metric"].headline
    assert tables["table2_en"].title == (
        "Table 2: English (sample), dev set, two-halves rule: epoch chosen on one half, scored on "
        "the other, by the arm's own metric; mean over 5 seeds"
    )
    assert tables["table3_es"].title == (
        "Table 3: Spanish (sample), test set, epoch chosen on dev, by the arm's own metric; "
        "one seed"
    )
    assert tables["scores_ca"].title.startswith("Scores: ca (toy), test set")
    assert "by each column's metric" in tables["table3_es_by_each_metric"].title
    twice = scores + cell("bce", (0.1, 0.2, 0.3), cell="o", corpus="other")
    assert {"table2_en_sample", "scores_en_other"} <= {
        table.name for table in all_tables(known(twice))
    }


def test_a_new_table_is_one_function_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zz_counts.py").write_text(
        "from results.render import Table\n"
        "def tables(findings):\n"
        "    return [Table('counts', 'Counts', ('n',), ((len(findings.scores),),))]\n"
    )
    monkeypatch.setattr("results.tables.__path__", [*results.tables.__path__, str(tmp_path)])
    try:
        tables = all_tables(known(cell("bce", (0.1, 0.2, 0.3))))
    finally:
        sys.modules.pop("results.tables.zz_counts", None)
    assert [table.name for table in tables] == ["scores_en", "counts"]
    assert tables[-1].rows == ((3,),)


SMALL = Table(
    "small",
    "A 95% | table_1",
    ("Loss", "Acc"),
    (("S_Acc & co", Figure(54.849, 1.094, star=True, best=True)), ("B|CE", Figure(9.5, 0.25))),
    ("± covers the *texts*.",),
    frozenset({1}),
    frozenset({"Acc"}),
)


def test_markdown() -> None:
    assert render(SMALL, "markdown") == (
        "**A 95% \\| table\\_1**\n"
        "\n"
        "| Loss | Acc |\n"
        "|---|---:|\n"
        "| S\\_Acc & co | **54.85 ± 1.09\\*** |\n"
        "| B\\|CE | 9.50 ± 0.25 |\n"
        "\n"
        "± covers the \\*texts\\*.\n"
    )


@pytest.mark.parametrize(
    ("title", "notes", "caption"),
    [("T", ("N.",), "T. N."), ("T.", (), "T."), ("", ("N.",), "N."), ("", (), "")],
)
def test_a_caption_has_the_stops_that_it_needs(
    title: str, notes: tuple[str, ...], caption: str
) -> None:
    table = Table("t", title, ("a",), (("x",),), notes)
    assert f"\\caption{{{caption}}}\n" in render(table, "latex")


def test_latex() -> None:
    assert render(SMALL, "latex") == (
        "\\begin{table}[htbp]\n"
        "\\centering\n"
        "\\caption{A 95\\% $|$ table\\_1. $\\pm$ covers the *texts*.}\n"
        "\\label{tab:small}\n"
        "\\begin{tabular}{lr}\n"
        "\\toprule\n"
        "Loss & Acc \\\\\n"
        "\\midrule\n"
        "S\\_Acc \\& co & \\textbf{54.85 $\\pm$ 1.09$^{*}$} \\\\\n"
        "\\midrule\n"
        "B$|$CE & 9.50 $\\pm$ 0.25 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\end{table}\n"
    )


def test_columns_of_numbers_line_up_on_the_right() -> None:
    rows = (("joy", 3, TwoDecimals(54.8), None), ("fear", None, TwoDecimals(7), None))
    table = Table("t", "", ("class", "n", "F1", "none"), rows)
    assert "|---|---:|---:|---|\n| joy | 3 | 54.80 |  |\n" in render(table, "markdown")
    assert "\\begin{tabular}{lrrl}" in render(table, "latex")
    assert render(table, "csv") == "class,n,F1,none\njoy,3,54.8,\nfear,,7.0,\n"


def test_csv_and_json_hold_plain_numbers() -> None:
    assert render(SMALL, "csv") == (
        "Loss,Acc,Acc half width,Acc star,status\n"
        "S_Acc & co,54.849,1.094,True,ok\n"
        "B|CE,9.5,0.25,False,ok\n"
    )
    whole = json.loads(render(SMALL, "json"))
    assert whole["title"] == "A 95% | table_1"
    assert whole["rows"][1] == {
        "Loss": "B|CE", "Acc": 9.5, "Acc half width": 0.25, "Acc star": False, "status": "ok",
    }  # fmt: skip


def test_terminal() -> None:
    text = render(SMALL, "table")
    assert "54.85 ± 1.09*" in text
    assert "\x1b" not in text
    assert "± covers the *texts*." in text
    wide = Table(
        "w", "", tuple(f"column {n}" for n in range(30)), (tuple("x" * 9 for _ in range(30)),)
    )
    assert "…" not in render(wide, "table")
    with pytest.raises(ValueError, match="unknown format 'html': one of table, csv, json"):
        render(SMALL, "html")


def test_answers_of_queries_become_tables() -> None:
    import pyarrow as pa

    answer = pa.table({"a": [1, None], "b": [["x", "y"], []], "c": [0.1, 2.0]})
    table = from_arrow(answer)
    assert table.rows == ((1, '["x", "y"]', 0.1), (None, "[]", 2.0))
    assert render(table, "csv") == 'a,b,c\n1,"[""x"", ""y""]",0.1\n,[],2.0\n'
    assert render(from_arrow(answer.slice(0, 0)), "csv") == "a,b,c\n"


def test_columns_of_one_name_are_all_kept() -> None:
    import pyarrow as pa

    answer = pa.table([[1], [2], [3], [4]], names=["a", "a", "b", "a"])
    table = from_arrow(answer)
    assert table.columns == ("a", "a_1", "b", "a_2")
    assert render(table, "csv") == "a,a_1,b,a_2\n1,2,3,4\n"
    clash = from_arrow(pa.table([[1], [2], [3]], names=["a", "a", "a_1"]))
    assert len(set(clash.columns)) == 3


def test_json_has_null_for_what_it_cannot_hold() -> None:
    import pyarrow as pa

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    values = {"a": [float("nan")], "b": [float("inf")], "c": [[1.5, float("nan")]], "d": [0.5]}
    whole = json.loads(render(from_arrow(pa.table(values)), "json"), parse_constant=no_constant)
    assert whole["rows"] == [{"a": None, "b": None, "c": "[1.5, null]", "d": 0.5}]
    figures = Table("t", "", ("x",), ((Figure(1.0, float("nan")),),), figures=frozenset({"x"}))
    (row,) = json.loads(render(figures, "json"), parse_constant=no_constant)["rows"]
    assert row["x half width"] is None


def noisy(gold: NDArray[np.uint8], seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(gold.shape)
    return (2.0 * (gold - 0.5) + noise).astype(np.float32)


def test_aggregate_writes_every_table_in_every_format(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    run = tmp_path / "a run's “folder”"
    for language in ("en", "es"):
        gold = toy(run, language=language, corpus="sample")
        for seed, loss in enumerate(("soft_accuracy", "bce", "mse")):
            key = f"{language}-{loss}"
            named = {"cell": key, "loss": loss, "label": LOSSES[loss], "language": language}
            chosen = {("test", RULES): noisy(gold, seed)}
            record(run, key, chosen, corpus="sample", **named)
    tables = aggregate(run)
    names = ["table2_en", "table3_es"]
    assert [table.name for table in tables if table.headline] == names
    names += [f"{name}_by_each_metric" for name in names]
    names += ["table1", "claims"]
    names += [
        f"leaderboard_{metric}_{language}"
        for metric in ("acc", "macro_f1", "micro_f1")
        for language in ("en", "es")
    ]
    assert sorted(table.name for table in tables) == sorted(names)
    suffixes = (".md", ".tex", ".csv", ".parquet")
    expected = {name + suffix for name in names for suffix in suffixes}
    folder = run / "tables"
    derived = {name + suffix for name in DERIVED for suffix in (".csv", ".parquet")}
    found = {p.name for p in folder.iterdir() if p.is_file()}
    assert found == expected | derived | {"report.html"}
    assert (folder / "table2_en.md").read_text("utf-8") == render(tables[0], "markdown")
    frame = pq.read_table(folder / "table3_es.parquet").to_pandas()
    assert frame["Loss"].tolist() == ["SAcc", "BCE", "MSE"]
    scores = pq.read_table(folder / "scores.parquet").to_pandas()
    shown = scores.query("language == 'es' and chosen_by == 'own' and metric == 'acc'")
    assert sorted(100 * shown["value"]) == pytest.approx(sorted(frame["Acc"]))
    assert len((folder / "scores.csv").read_text("utf-8").splitlines()) == len(scores) + 1
    page = folder / "report.html"  # says when it was written
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path != page}
    aggregate(run)
    assert before == {path: path.read_bytes() for path in folder.rglob("*.*") if path != page}


def test_a_table_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path,
    toy: Callable[..., Any],
    record: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): noisy(gold, 0)})
    aggregate(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "tables").iterdir()}
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(RecordError, match=r"tables/scores.parquet: no space left to write it"):
        aggregate(tmp_path)
    assert before == {path: path.read_bytes() for path in (tmp_path / "tables").iterdir()}


def test_corpora_with_other_numbers_of_labels_stand_in_one_run(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): noisy(gold, 0)})
    wide = (np.random.default_rng(0).random((30, 9)) < 0.3).astype(np.uint8)
    splits: Any = {"test": ([str(i) for i in range(30)], wide, "")}
    record_examples(tmp_path, "wide", "es", list("abcdefghi"), "f" * 64, 1, 1, 0, splits)
    changes = {"corpus": "wide", "language": "es", "cell": "w"}
    record(tmp_path, "w", {("test", RULES): noisy(wide, 0)}, **changes)
    assert {table.name for table in aggregate(tmp_path)} >= {"scores_en", "scores_es"}
