"""What do the lexicons bring? The same arms on vectors alone, with each lexicon, and with all.

Every variant is a run in a folder of its own, so it resumes as any run does; the cache trains the
word vectors once for all of them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console

from features import Features
from features.lexicons import find_lexicon, lexicon_names
from features.spec import LexiconChoice
from results.ablation import BASELINE, ablation_rows, write_ablation
from results.mirror import below, place_of, publish, uri_of
from sweep.driver import Outcome, build_features, run_experiment
from sweep.errors import ExperimentError
from sweep.experiment import Experiment
from sweep.plan import Job, make_job
from sweep.printing import say
from sweep.workers import Workers

if TYPE_CHECKING:
    from results.layout import Score

ALL = "all"
"""The variant with every lexicon that the experiment lists."""


@dataclass(frozen=True)
class Variant:
    """One choice of lexicons.

    Attributes:
        name: `BASELINE`, `ALL`, or a lexicon as the experiment writes it.
        lexicons: by language; languages without this variant are absent.
    """

    name: str
    lexicons: Mapping[str, Sequence[str]]

    @property
    def folder(self) -> str:
        """A name for its run folder: never a path, never that of another variant."""
        if self.name in (BASELINE, ALL, *lexicon_names()):
            return self.name
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        stem = re.sub("[^A-Za-z0-9]+", "-", Path(self.name).stem).strip("-")[:40]
        return f"{stem or 'lexicon'}-{digest}"


@dataclass(frozen=True)
class Ablation:
    """What an ablation did.

    Attributes:
        folder: holds a run folder for each variant, `ablation.csv` and `ablation.md`.
        outcomes: of each variant's run, `BASELINE` first.
        rows: of `results.ablation.ABLATION`; `results.ablation.ablation_tables` shows them.
    """

    folder: Path
    outcomes: Mapping[str, Outcome]
    rows: "Sequence[Score]"


def ablate(
    experiment: str | Path | Mapping[str, Any],
    *,
    variants: Sequence[str] = (),
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    losses: Sequence[str | Path] = (),
    cache: str | Path | None = None,
    workers: Workers | None = None,
    console: Console | None = None,
) -> Ablation:
    """Run an experiment once for each variant and compare the variants with vectors alone.

    Args:
        experiment: as the others, see `sweep.driver.run_experiment`.
        variants: those to run beside `BASELINE`: `ALL` or lexicons as the experiment writes them;
            by default all.
        data: data folder.
        out: folder of the variants; `runs/<name of the experiment>-ablation` by default.
        overrides: `key.key=value` settings.
        losses: files with losses of your own.
        cache: feature cache.
        workers: where and on what arms are trained.
        console: where progress is shown; standard error by default.

    Raises:
        ExperimentError, InputError, LossError, RecordError: something asked for is wrong, or
            records cannot be written or compared.
    """
    console = console or Console(stderr=True)
    job = make_job(experiment, data=data, out=out, overrides=overrides, losses=losses, cache=cache)
    if not out and uri_of(job.run):
        raise ExperimentError(f"{place_of(job.run)}: lies in a store; give the runs a place, --out")
    folder = job.run if out else job.run.with_name(f"{job.experiment.name}-ablation")
    chosen = _variants(job, variants, console)
    settings = {v.name: [*overrides, *_settings(job.experiment, v)] for v in chosen}
    _check_features(
        {
            name: build_features(
                make_job(experiment, data=data, overrides=of, losses=losses, cache=cache), console
            )
            for name, of in settings.items()
        }
    )
    outcomes: dict[str, Outcome] = {}
    for variant in chosen:
        outcomes[variant.name] = run_experiment(
            experiment,
            data=data,
            out=below(folder, variant.folder),
            overrides=settings[variant.name],
            losses=losses,
            cache=cache,
            workers=workers,
            console=console,
        )
        say(console, _ended(variant, outcomes[variant.name]))
    with console.status("tables") if console.is_terminal else nullcontext():
        rows = ablation_rows({variant.name: below(folder, variant.folder) for variant in chosen})
        write_ablation(folder, rows)
    publish(folder)
    return Ablation(folder, outcomes, rows)


def _variants(job: Job, asked: Sequence[str], console: Console) -> list[Variant]:
    """The variants to run, the baseline first; what has to be left out is said.

    Raises:
        ExperimentError: a variant is not the experiment's, or nothing is left to compare.
        InputError: a lexicon is missing.
    """
    listed = _listed(job.experiment)
    names = list(dict.fromkeys(choice.name for choices in listed.values() for choice in choices))
    known = (BASELINE, ALL, *names)
    if odd := [name for name in asked if name not in known]:
        raise ExperimentError(f"--variant {odd[0]}: expected one of {', '.join(known)}")
    wanted = set(asked or known)
    there = _there(job, listed, set(names) if ALL in wanted else wanted, console)
    compared = [
        Variant(name, {language: [name] for language, has in there.items() if name in has})
        for name in names
        if name in wanted
    ]
    if ALL in wanted:
        together = {language: has for language, has in there.items() if has}
        for language, has in there.items():
            if len(has) == 1 and has[0] in wanted:
                say(console, f"{ALL} {language}: is {has[0]} alone, not run twice")
                del together[language]
        compared.append(Variant(ALL, together))
    compared = [variant for variant in compared if variant.lexicons]
    if not compared:
        raise ExperimentError(
            f"experiment {job.experiment.name}: nothing to compare with {BASELINE}; expected "
            "lexicons that are there and a --variant with one"
        )
    some = {language for variant in compared for language in variant.lexicons}
    languages = [language for language in job.experiment.languages if language in some]
    return [Variant(BASELINE, dict.fromkeys(languages, ())), *compared]


def _listed(experiment: Experiment) -> dict[str, list[LexiconChoice]]:
    """The lexicons that an experiment lists, by language."""
    return {
        language: [
            LexiconChoice(name=choice) if isinstance(choice, str) else choice
            for choice in experiment.feature_spec(language).lexicons
        ]
        for language in experiment.languages
    }


def _there(
    job: Job, listed: Mapping[str, Sequence[LexiconChoice]], needed: set[str], console: Console
) -> dict[str, list[str]]:
    """Of the lexicons needed, those that are there, by language.

    They are looked for now, so that one that is missing is known before anything is trained.
    """
    there: dict[str, list[str]] = {}
    for language, choices in listed.items():
        there[language] = []
        for name, optional in ((c.name, c.optional) for c in choices if c.name in needed):
            found = find_lexicon(name, language, job.data, optional=optional)
            for note in found.notes:
                say(console, f"{name} {language}: {note}")
            if found.form:
                there[language].append(name)
    return there


def _check_features(built: Mapping[str, Mapping[str, Features]]) -> None:
    """Makes sure that variants differ in nothing but their lexicons.

    Features are built for all of them before anything is trained: a malformed lexicon is known by
    then, and so is whether their word vectors, which several threads never train twice alike, are
    the same.

    Raises:
        ExperimentError: two variants have other vectors.
    """
    for name, by_language in built.items():
        for language, entry in by_language.items():
            ours = built[BASELINE][language]
            pairs = zip(entry.manifest["vectors"], ours.manifest["vectors"], strict=True)
            if any(part["sha256"] != base["sha256"] for part, base in pairs):
                raise ExperimentError(
                    f"the features of variants {BASELINE} and {name} ({language}) hold word "
                    "vectors of different trainings; `softsweep cache prune --all` and another "
                    "--out make them alike"
                )


def _settings(experiment: Experiment, variant: Variant) -> Iterator[str]:
    """What makes the experiment this variant, as `--set` takes it."""
    changes = {
        "name": f"{experiment.name}-{variant.folder}",
        "languages": list(variant.lexicons),
        "lexicons": {language: list(names) for language, names in variant.lexicons.items()},
    }
    for key, value in changes.items():
        yield f"{key}={yaml.safe_dump(value, default_flow_style=True)}"


def _ended(variant: Variant, outcome: Outcome) -> str:
    """What became of a variant, in a line."""
    said = [
        f"{outcome.tried} of {outcome.wanted} arms trained"
        if outcome.tried
        else f"all {outcome.wanted} arms were recorded already"
    ]
    said += [f"{outcome.diverged} diverged"] if outcome.diverged else []
    said += [f"{outcome.failed} failed"] if outcome.failed else []
    said += [f"{outcome.failed_tries} tries failed"] if outcome.failed_tries else []
    return f"{variant.name}: {', '.join(said)}"
