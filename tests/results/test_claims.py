"""Claims: confirmed, contradicted or undecided by tests that others know, and why in words."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp
from sklearn.metrics import f1_score, recall_score

from model.metrics import METRICS
from results.claims.decision import EPOCHS, Opinion, Part, decided
from results.claims.measures import Measure, Measures, fixed
from results.claims.registry import functions, paper_file
from results.claims.shown import LEAST_WIDTH, WIDTH, claims_table, claims_text
from results.claims.verdicts import Verdict, verdicts
from results.claims.written import read_claims
from results.compare import compare
from results.errors import RecordError
from results.findings import Findings
from results.pairing import mean
from results.records import predictions_table, record_examples, record_trial
from results.render import FORMS, render
from results.run import Run

RULES = ("own", "acc", "macro_f1", "micro_f1")
NAMES = ("anger", "surprise", "trust")
TEXTS = 400
OWN = {"soft_accuracy": "acc", "soft_macro_f1": "macro_f1", "soft_micro_f1": "micro_f1"}
LABELS = {
    "soft_accuracy": "SAcc",
    "soft_macro_f1": "SM-F1",
    "soft_micro_f1": "Sm-F1",
    "bce": "BCE",
    "mse": "MSE",
}
GOLD = (np.random.default_rng(7).random((TEXTS, 3)) < [0.5, 0.3, 0.2]).astype(np.uint8)

Curve = Sequence[float]
Add = Callable[..., None]


@pytest.fixture
def add(tmp_path: Path, arm_row: Callable[..., dict[str, Any]]) -> Add:
    """Record an arm of a loss that errs on a share of the labels, with its curves on dev."""
    ids = [f"t{i}" for i in range(TEXTS)]
    for language in ("en", "es"):
        splits: dict[str, Any] = {"train": (ids, GOLD, ""), "dev": (ids, GOLD, "")}
        splits["test"] = ([f"x{i}" for i in range(TEXTS)], GOLD, "")
        record_examples(tmp_path, "semeval2018-ec", language, NAMES, "f" * 64, 4, 5, 0, splits)

    def one(
        loss: str,
        seed: int,
        errs: float,
        b: int = 16,
        language: str = "en",
        curve: Curve = (0.3, 0.5, 0.4),
        above: float = -0.1,
        **changes: Any,
    ) -> None:
        arm = f"{loss}-{seed}-{b}-{language}"
        rng = np.random.default_rng([seed, b, *loss.encode()])
        wrong = rng.random(GOLD.shape) < errs
        logits = np.where(GOLD.astype(bool) ^ wrong, 1.0, -1.0).astype(np.float32)
        epochs = [
            {
                "arm": arm,
                "epoch": epoch,
                "split": split,
                "loss": -value / 2 if split == "train" else None,
                **dict.fromkeys(("acc", "macro_f1", "micro_f1"), value),
                **dict.fromkeys(OWN, value + above),
            }
            for split in ("train", "dev", "test")
            for epoch, value in enumerate(curve, start=1)
        ]
        row = arm_row(
            arm,
            corpus="semeval2018-ec",
            language=language,
            cell=f"{loss}-{b}-{language}",
            loss=loss,
            label=LABELS.get(loss, loss),
            own_metric=OWN.get(loss, "acc"),
            batch_size=b,
            seed=seed,
            **changes,
        )
        blocks = [(arm, split, 2, RULES, logits) for split in ("dev", "test")]
        record_trial(tmp_path, f"trial-{arm}", [row], epochs, predictions_table(blocks))

    return one


def judged(run: Path, claims: object = None) -> list[Verdict]:
    findings = Findings(Run(run))
    if claims is None:
        return verdicts(findings)
    file = run / "claims.yaml"
    file.write_text(json.dumps(claims))
    return verdicts(findings, file)


def of(found: Sequence[Verdict], number: str, words: str = "", language: str = "en") -> Verdict:
    (one,) = [
        verdict
        for verdict in found
        if (verdict.number, verdict.language) == (number, language) and words in verdict.claim
    ]
    return one


def part(values: Sequence[float], aim: str = ">", margin: float = 0.0) -> Part:
    return Part("it", mean(fixed(dict(enumerate(values)))), aim, margin)


differences = st.lists(st.integers(-50, 50).map(lambda n: n / 1000), min_size=2, max_size=6).filter(
    lambda values: len(set(values)) > 1
)


@given(values=differences, margin=st.sampled_from([0.0, 0.01, 0.03]))
@settings(max_examples=80, deadline=None)
def test_numbers_of_seeds_are_decided_by_students_t(values: list[float], margin: float) -> None:
    def p(alternative: Literal["greater", "less"], bound: float) -> float:
        return float(ttest_1samp(values, bound, alternative=alternative).pvalue)

    more, less = p("greater", margin) < 0.025, p("less", margin) < 0.025
    expected = "confirmed" if more else "contradicted" if less else "undecided"
    assert part(values, ">", margin).verdict() == expected
    more, less = p("greater", -margin) < 0.025, p("less", -margin) < 0.025
    expected = "confirmed" if less else "contradicted" if more else "undecided"
    assert part(values, "<", margin).verdict() == expected
    if margin:
        within = p("greater", -margin) < 0.05 and p("less", margin) < 0.05
        outside = p("greater", margin) < 0.025 or p("less", -margin) < 0.025
        expected = "confirmed" if within else "contradicted" if outside else "undecided"
        assert part(values, "=", margin).verdict() == expected


def test_all_parts_confirm_and_one_contradicts_after_correction() -> None:
    yes, no = (0.05, 0.051, 0.049), (-0.05, -0.051, -0.049)
    barely = (-0.020, -0.030, -0.042)  # p = 0.042
    assert 0.025 < ttest_1samp(barely, 0).pvalue < 0.05
    cases = [
        ([yes, yes], "confirmed", "2 of 2 shown: "),
        ([yes, no], "contradicted", "1 of 2 shown, 1 shown the other way: it −5.0"),
        ([barely], "contradicted", "it −3.1"),
        ([yes, barely], "undecided", "1 of 2 shown: it −3.1"),  # 2 * 0.042 is no longer small
    ]
    for values, verdict, begin in cases:
        opinion = decided([part(one) for one in values])
        assert (opinion.verdict, opinion.because[: len(begin)]) == (verdict, begin)


def test_what_would_decide_is_said_and_one_seed_decides_nothing() -> None:
    opinion = decided([part((0.01, 0.03, -0.01))])
    assert opinion.verdict == "undecided"
    assert "[−4.0, 6.0] p = 0.478 (points, 95% intervals, 3 seeds). 34 seeds would decide it" in (
        opinion.because
    )
    one = decided([part((0.3,))])
    assert one == Opinion("undecided", "it +30.0. With one seed there is no test.")
    hopeless = decided([part((0.5, -0.5, 0.0001))])
    assert "Not even 1,000 seeds would decide it." in hopeless.because


def test_seeds_that_agree_on_an_epoch_are_no_certainty() -> None:
    def fewer(values: Sequence[float]) -> str:
        return Part("it", mean(fixed(dict(enumerate(values)))), "<", unit=EPOCHS).verdict()

    assert fewer((-1, -1, -1)) == "undecided"
    assert fewer((-4, -4, -4)) == "confirmed"
    assert part((-0.04, -0.04, -0.04), "<").verdict() == "confirmed"


def test_an_order_is_decided_as_compare_does(tmp_path: Path, add: Add) -> None:
    for seed in range(3):
        for loss, errs in (("soft_macro_f1", 0.05), ("bce", 0.25), ("mse", 0.255)):
            add(loss, seed, errs)
    lines = [
        "soft_macro_f1 > bce on macro_f1",
        "bce > soft_macro_f1 on macro_f1",
        "bce < soft_macro_f1 on macro_f1 and acc",
        "bce > mse on macro_f1",
        {"claim": "soft_macro_f1 > bce on macro_f1", "margin": 90, "threshold": "0.5"},
        {"claim": "bce = mse on macro_f1", "margin": 40},
        {"claim": "soft_macro_f1 = bce on macro_f1", "margin": 1},
    ]
    found = judged(tmp_path, lines)
    assert [verdict.verdict for verdict in found if verdict.language == "en"] == [
        *("confirmed", "contradicted", "confirmed", "undecided"),
        *("contradicted", "confirmed", "contradicted"),
    ]
    (row,) = compare(tmp_path, "soft_macro_f1", "bce", "macro_f1")
    ends = [f"{100 * row[name]:.1f}" for name in ("difference", "lo", "hi")]
    assert "SM-F1 over BCE +{} [{}, {}]".format(*ends) in found[0].because
    assert found[0].because.endswith("(points, 95% intervals, 3 seeds).")
    assert found[2].because.startswith("2 of 2 shown: BCE over SM-F1 on ")
    assert "seeds would decide it" in found[3].because
    assert "90% intervals, margin 40.0, 3 seeds" in found[5].because


def test_what_a_run_cannot_say_is_undecided_with_the_reason(tmp_path: Path, add: Add) -> None:
    add("soft_macro_f1", 0, 0.1)
    add("bce", 0, 0.4)
    add("mse", 1, 0.2)
    add("bce", 0, 0.2, b=32)
    add("listwise", 0, 0.2, settings='{"ranks": true, "warmup_epochs": 0}')
    add("gone", 0, 0.2, status="diverged")
    cases = {
        "soft_macro_f1 > bce@b=16 on acc": "With one seed there is no test.",
        "mse > soft_macro_f1 on acc": "MSE over SM-F1: no seed is ok in both.",
        "focal > mse on acc": "no cell of focal; the losses recorded here are bce, gone, ",
        "bce > mse on acc": "bce may be 2 cells, tell them apart",
        "bce@b=64 > mse on acc": "no cell is bce@b=64; of bce there are: BCE",
        "mse > soft_macro_f1 on f1[joy]": "no class joy; the classes are anger, surprise, trust.",
        "mse@b=16 > mse on acc": "mse@b=16 and mse are the same cell.",
        "gone > mse on acc": "no seed of gone is ok.",
    }
    found = judged(tmp_path, [*cases])
    for verdict, begin in zip(found, cases.values(), strict=True):
        assert verdict.verdict == "undecided"
        assert begin in verdict.because
    (at_half,) = judged(tmp_path, [{"claim": "listwise > mse on acc", "threshold": "0.5"}])
    assert at_half.because == "listwise only ranks the labels: it has none at 0.5."
    (french,) = judged(tmp_path, [{"claim": "bce > mse on acc", "languages": ["fr"]}])
    assert (french.language, french.because) == ("fr", "language fr is not recorded.")


def test_measures_of_a_class_are_scikit_learns(tmp_path: Path, add: Add) -> None:
    add("bce", 0, 0.2)
    measures = Measures(Findings(Run(tmp_path)))
    cell = measures.cell(("semeval2018-ec", "en"), "bce")
    (labels,) = (measures.findings.judged.labels(cell, "macro_f1") or {}).values()
    for place, name in enumerate(NAMES):
        gold, predicted = GOLD[:, place], labels[:, place]
        expected = {
            "f1": f1_score(gold, predicted),
            "recall": recall_score(gold, predicted),
            "predicted": predicted.sum() / gold.sum(),
        }
        for measure, value in expected.items():
            (found,) = measures.of(cell, Measure(measure, name)).values()
            assert found.value == pytest.approx(value)
            assert found.resampled.mean() == pytest.approx(value, abs=0.01)
            assert 0.005 < found.resampled.std() < 0.2


def test_claims_about_classes_and_thresholds_told_beside(tmp_path: Path, add: Add) -> None:
    for seed in range(3):
        add("soft_macro_f1", seed, 0.02)
        add("soft_micro_f1", seed, 0.3)
    entry = {
        "claim": "soft_macro_f1 > soft_micro_f1 on f1[trust] and recall[trust]",
        "threshold": ["0.5", "tuned"],
        "at": {"b": 16, "warmup_epochs": 0},
        "number": "rare",
        "words": "SM-F1 finds what is rare",
        "because": "section 4",
    }
    (found,) = judged(tmp_path, [entry])
    assert (found.number, found.claim, found.source) == (
        *("rare", "SM-F1 finds what is rare", "section 4"),
    )
    assert found.verdict == "confirmed"
    assert found.because.startswith("At 0.5: 2 of 2 shown: SM-F1 over Sm-F1 on ")
    assert " With a tuned threshold: confirmed (2 of 2 shown; last SM-F1 over" in found.because


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("a: 1", "expected a list of claims"),
        ("[]", "expected a list of claims"),
        ("- [", "cannot be read as claims"),
        ("- bce beats mse", "entry 1: found 'bce beats mse'; expected \"LOSS > LOSS on METRIC\""),
        ("- a > b on acc\n- 3", "entry 2: found 3; expected"),
        ("- {margin: 1}", "entry 1: no key claim"),
        ("- {claim: a > b on acc, marign: 1}", "entry 1: unknown key marign; the keys are claim,"),
        ("- a > b on f2", "entry 1: nothing is measured as f2; a claim is on acc, "),
        ("- a > b on f1", "entry 1: nothing is measured as f1; a claim is on acc, "),
        ("- a = b on acc", "entry 1: a claim with = needs a margin"),
        ("- {claim: a = b on acc, margin: 0}", "entry 1: margin is 0; expected more"),
        ("- {claim: a > b on acc, margin: -1}", "entry 1: margin is -1; expected a number"),
        ("- {claim: a > b on acc, threshold: 0.3}", "entry 1: threshold is '0.3'; there are 0.5"),
        ("- {claim: a > b on acc, chosen_by: f1}", "entry 1: chosen_by is 'f1'; there are own"),
        ("- {claim: a > b on acc, at: 16}", "entry 1: at is 16; expected settings"),
        ("- {claim: a > b on acc, languages: [1]}", "entry 1: languages is 1; expected text"),
        ("- {claim: [], margin: 1}", "entry 1: claim is empty"),
        ("- a > b and a on acc", "entry 1: a stands there more than once"),
        (
            "- {claim: 'a > b on acc and best_epoch[acc]', margin: 1}",
            "entry 1: a margin for measures that are counted differently",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, entries: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(entries)
    with pytest.raises(RecordError) as caught:
        read_claims(file)
    assert str(caught.value).startswith(str(file))
    assert message in str(caught.value)


def test_claims_are_parsed(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("- {claim: 'x@b=16,lr=0.1 = y and z on best_epoch[acc]', margin: 2}")
    (claim,) = read_claims(file)
    (order,) = claim.orders
    assert (order.left, order.sign, order.right) == (("x@b=16,lr=0.1",), "=", ("y", "z"))
    assert order.measures == (Measure("best_epoch", "acc"),)
    assert (claim.number, claim.margin, claim.thresholds) == ("1", 2.0, ("tuned",))
    with pytest.raises(RecordError, match="cannot be read as claims"):
        read_claims(tmp_path / "none.yaml")


@pytest.fixture
def papers_run(tmp_path: Path, add: Add) -> Path:
    """English as the paper has it, in the wrong order in Spanish; four batch sizes."""
    errs = {"soft_macro_f1": 0.05, "soft_micro_f1": 0.12, "soft_accuracy": 0.2, "bce": 0.3}
    best = {16: 2, 32: 4, 64: 8, 128: 16}
    for seed in range(3):
        for loss, err in {**errs, "mse": 0.35}.items():
            add(loss, seed, err)
            add(loss, seed, 0.4 - err, language="es", above=0.02, curve=(0.3, 0.4, 0.35, 0.5))
        for b in (32, 64, 128):
            rise = np.linspace(0.1, 0.5 - b / 1000 + seed / 500, best[b])
            add("soft_macro_f1", seed, 0.05, b=b, curve=(*rise, 0.1, 0.1))
    return tmp_path


def test_the_papers_claims(papers_run: Path) -> None:
    found = judged(papers_run)
    expected = {
        ("1", "", "en"): "contradicted",  # SAcc is worse than SM-F1 here
        ("2", "SM-F1 beats", "en"): "confirmed",
        ("2", "SM-F1 beats", "es"): "contradicted",
        ("3", "", "en"): "contradicted",  # SAcc and Sm-F1 have asterisks on M-F1
        ("5", "", "en"): "confirmed",
        ("5", "", "es"): "contradicted",
        ("7", "SM-F1", "en"): "confirmed",
        ("7", "SAcc", "en"): "undecided",
        ("8", "SM-F1", "en"): "confirmed",
        ("9", "SM-F1", "en"): "confirmed",
        ("11", "SM-F1", "en"): "confirmed",
        ("14", "SAcc", "en"): "confirmed",
        ("15", "SAcc", "en"): "confirmed",
        ("15", "SAcc", "es"): "contradicted",
        ("17", "SAcc", "en"): "undecided",
        ("17", "SAcc", "es"): "undecided",
        ("18", "", "es"): "undecided",
        ("19", "", "es"): "undecided",
    }
    for (number, words, language), verdict in expected.items():
        one = of(found, number, words, language)
        assert (number, language, one.verdict) == (number, language, verdict), one.because
    assert [int(one.number) for one in found] == sorted(int(one.number) for one in found)
    assert {int(one.number) for one in found} == set(range(1, 20))
    assert of(found, "7", "SAcc").because.startswith("no cell is soft_accuracy@b=32,warmup")
    assert of(found, "8", "Sm-F1").because == "one batch size is recorded, 16."
    assert "×2.00 [" in of(found, "9", "SM-F1").because
    assert "×1.00 [" in of(found, "11", "SM-F1").because
    assert "is best at its last epoch, 4, in 3 of 3 seeds" in of(found, "17", "SAcc", "es").because
    assert of(found, "3").because.startswith("7 of 9 agree; only here SAcc on M-F1, Sm-F1")


def test_a_lower_bound_is_a_share_with_an_exact_interval(tmp_path: Path, add: Add) -> None:
    for seed in range(2):
        add("soft_accuracy", seed, 0.1)
        add("soft_micro_f1", seed, 0.1, above=0.02)
    found = Findings(Run(tmp_path)).claims
    high = binomtest(0, 18).proportion_ci().high
    assert of(found, "15", "SAcc").because == (
        "The soft value is above Acc at 0 of 18 epochs of all seeds and splits (train 0 of 6, dev "
        f"0 of 6, test 0 of 6): 0%, exact 95% interval 0% to {high:.0%} (were epochs independent)."
    )
    always = of(found, "15", "Sm-F1").because
    assert "at 18 of 18 epochs" in always
    assert always.endswith("by 2.00 points at most.")
    assert of(found, "15", "SM-F1").because.startswith("no cell of soft_macro_f1")


def test_asterisks_are_those_of_the_scores(tmp_path: Path, add: Add) -> None:
    better = {"soft_accuracy": 0.4, "soft_macro_f1": 0.05, "soft_micro_f1": 0.2}
    for seed in range(3):
        for loss, errs in {**better, "bce": 0.2, "mse": 0.21}.items():
            add(loss, seed, errs, language="es")
    findings = Findings(Run(tmp_path))
    starred = {
        f"{row['label']} on {METRICS[row['metric']].label}"
        for row in findings.scores
        if row["paper_star"]
        and row["threshold"] == "0.5"
        and row["chosen_by"] == row["metric"]
        and row["loss"] in OWN
    }
    published = {"SAcc on Acc", "SM-F1 on M-F1"}
    assert starred - published == {"SM-F1 on Acc", "SM-F1 on m-F1"}
    spanish = of(findings.claims, "3", language="es")
    assert spanish.verdict == "contradicted"
    assert spanish.because.startswith(
        "6 of 9 agree; only here SM-F1 on Acc, SM-F1 on m-F1; only in the paper SAcc on Acc; "
        "shown worse: SAcc on Acc over BCE −"
    )


def test_curves_that_still_rise_say_nothing_of_epochs(tmp_path: Path, add: Add) -> None:
    for seed in range(3):
        add("soft_accuracy", seed, 0.1, curve=(0.1, 0.2, 0.3))
        add("bce", seed, 0.1, curve=(0.1, 0.4, 0.3, 0.2))
    found = judged(tmp_path, ["soft_accuracy < bce on epochs_to_99[acc]"])
    assert found[0].because == (
        "SAcc (b=16) is best at its last epoch, 3, in 3 of 3 seeds: how long it takes is not "
        "known, train longer."
    )
    value = judged(tmp_path, ["soft_accuracy < bce on final_value[acc] and best_value[acc]"])
    assert value[0].because.startswith("1 of 2 shown, 1 shown the other way: SAcc over BCE on fin")


def test_the_papers_file_holds_every_claim_that_no_function_has() -> None:
    written = {claim.number for claim in read_claims(paper_file())}
    coded = {claim.number for claim in functions()}
    assert not written & coded
    assert {int(number) for number in written | coded} == set(range(1, 20))
    assert all(claim.source for claim in read_claims(paper_file()))
    assert all(claim.source for claim in functions())


def test_verdicts_for_people_fit_a_terminal(tmp_path: Path, add: Add) -> None:
    for seed in range(2):
        for loss in ("soft_macro_f1", "bce", "mse"):
            for language in ("en", "es"):
                add(loss, seed, 0.1 + 0.2 * (loss != "soft_macro_f1"), language=language)
    table = claims_table(Findings(Run(tmp_path)))
    text = claims_text(table)
    assert max(map(len, text.splitlines())) <= WIDTH
    for width, most in ((80, 80), (20, LEAST_WIDTH), (300, WIDTH)):
        longest = max(map(len, claims_text(table, width).splitlines()))
        assert most - 15 < longest <= most
    lines = [line for line in text.splitlines() if line.startswith("     en ")]
    found = {line.index(line.split()[1]) for line in lines}
    assert found == {10}  # first letters of verdicts are below each other
    flat = " ".join(text.split())
    for row in table.rows:
        assert " ".join(str(row[5]).split()) in flat
    counts: Mapping[str, int] = {
        name: sum(row[4] == name for row in table.rows)
        for name in ("confirmed", "contradicted", "undecided")
    }
    assert table.title == "Claims of the paper: " + ", ".join(
        f"{number} {name}" for name, number in counts.items()
    )
    assert counts["confirmed"]
    for form in FORMS:
        assert render(table, form)
    rows = list(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert [row["verdict"] for row in rows] == [row[4] for row in table.rows]


@pytest.mark.slow
def test_the_command(tmp_path: Path, add: Add) -> None:
    for seed in range(2):
        add("bce", seed, 0.05)
        add("mse", seed, 0.4)
    mine = tmp_path / "mine.yaml"

    def softsweep(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sweep.cli", "claims", str(tmp_path), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    mine.write_text("- mse > bce on acc")
    done = softsweep("--claims", str(mine), "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["verdict"], row["claim"]) == ("contradicted", "mse > bce on acc")
    assert softsweep().stdout.startswith("Claims of the paper: 0 confirmed, ")
    mine.write_text("- mse > bce on f1")
    wrong = softsweep("--claims", str(mine))
    assert wrong.returncode == 2
    assert wrong.stderr.startswith(f"softsweep: {mine}, entry 1: nothing is measured as f1;")
    assert "Traceback" not in wrong.stderr
