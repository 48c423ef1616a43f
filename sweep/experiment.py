"""An experiment: a YAML file that says which arms are wanted, checked key by key."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from features.errors import InputError
from features.languages import LANGUAGES, get_language
from features.spec import CorpusSpec, FeatureSpec, Lexicons, SkipGram, Vectors
from features.textrules import TextRules
from model.catalogue import LossSource, catalogue, checked_parameters, read_losses
from model.errors import LossError
from model.settings import NetworkSettings, Settings, TrainSettings
from sweep.errors import ExperimentError
from sweep.grid import SWEPT, Grid, LossEntry, NonEmpty
from sweep.searchspec import SearchSettings, check_search

BUILT_IN = files("sweep") / "experiments"
"""Experiments that can be named instead of given as a path."""

RESOLVED = "experiment.yaml"
"""The experiment that a run folder keeps, with every default filled in."""

Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100)]


class Experiment(Settings):
    """Everything that a run needs to know, with `losses` already read.

    Attributes:
        name: names the default run folder.
        corpus: reader and its options.
        languages: each is a corpus of its own.
        vectors: how words become numbers: one source, or a list whose columns stand side by side.
        lexicons: lexicons appended to the vectors, for all languages or by language; one that may
            be missing is written `{name: NAME, optional: true}`.
        text: how texts are cut into tokens.
        grid: what is compared.
        train: settings of every arm.
        network: shape of every network.
        search: how settings are found for each loss, batch size and language, if they are.
        confirm: losses whose comparisons with BCE are declared before results are seen, and
            corrected for their number apart from all others; by default the paper's three.
        losses: paths of the user's loss files.
    """

    name: Name
    corpus: CorpusSpec
    languages: Annotated[tuple[str, ...], NonEmpty]
    vectors: Vectors = (SkipGram(),)
    lexicons: Lexicons | dict[str, Lexicons] = ()
    text: TextRules = TextRules()
    grid: Grid
    train: TrainSettings = TrainSettings()
    network: NetworkSettings = NetworkSettings()
    search: SearchSettings | None = None
    confirm: tuple[str, ...] | None = None
    losses: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_setting_has_one_place(self) -> Self:
        for key in SWEPT:
            if getattr(self.grid, key) is not None and key in self.train.model_fields_set:
                raise ValueError(f"{key} is given in both grid and train; give it in one of them")
        self.train_settings()  # raises for a warm-up that leaves no epoch
        return self

    @model_validator(mode="after")
    def _languages_are_codes(self) -> Self:
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("languages: a value is listed twice")
        for index, language in enumerate(self.languages):
            try:
                get_language(language)
            except InputError as error:
                raise ValueError(f"languages[{index}]: {error}") from None
            self.feature_spec(language)
        known = {*self.languages, *LANGUAGES}  # so that `--set languages=[es]` is enough
        if isinstance(self.lexicons, dict) and (odd := self.lexicons.keys() - known):
            raise ValueError(
                f"lexicons.{min(odd)}: not among languages ({', '.join(self.languages)})"
            )
        return self

    def feature_spec(self, language: str) -> FeatureSpec:
        """What the features of one language are made from."""
        by_language = self.lexicons
        lexicons = by_language.get(language, ()) if isinstance(by_language, dict) else by_language
        return FeatureSpec(
            corpus=self.corpus,
            language=language,
            vectors=self.vectors,
            lexicons=lexicons,
            text=self.text,
        )

    def resolved(self) -> dict[str, Any]:
        """The experiment with every default filled in, as a file that says the same."""
        content = self.model_dump(mode="json")
        for key in SWEPT:  # each has one place
            del content["grid" if getattr(self.grid, key) is None else "train"][key]
        return content

    def train_settings(self) -> list[TrainSettings]:
        """The settings of `train`, in every combination that `grid` lists."""
        combinations = [self.train.model_dump()]
        for key in SWEPT:
            values = getattr(self.grid, key)
            if values is not None:
                combinations = [{**base, key: value} for base in combinations for value in values]
        return [TrainSettings(**combination) for combination in combinations]


def built_in_experiments() -> list[str]:
    """Names that `load_experiment` knows without a path."""
    return sorted(
        file.name.removesuffix(".yaml")
        for file in BUILT_IN.iterdir()
        if file.name.endswith(".yaml")
    )


def load_experiment(
    experiment: str | Path | Mapping[str, Any],
    overrides: Iterable[str] = (),
    losses: Iterable[Path] = (),
) -> tuple[Experiment, dict[str, LossSource]]:
    """Read and check an experiment.

    Args:
        experiment: a built-in name, the path of a file or of a run folder, or the mapping itself.
        overrides: `key.key=value` settings that replace what the file says; values are YAML.
        losses: further loss files. One that the experiment lists and that declares a loss of the
            same name gives way to them.

    Returns:
        The experiment, and every loss that exists for it, by name.

    Raises:
        ExperimentError: the file cannot be read, or a key or value is wrong.
        LossError: a loss file is wrong.
    """
    where, folder, given = _read(experiment)
    for override in overrides:
        _apply(given, override)
    try:
        checked = Experiment.model_validate(given)
    except ValidationError as error:
        raise ExperimentError(_describe(where, given, error)) from None
    listed = [_beside(folder, path).resolve() for path in checked.losses]
    paths = _replaced(listed, [path.resolve() for path in losses])
    known = catalogue(paths)
    for index, entry in enumerate(checked.grid.loss):
        try:
            _check_loss(entry, known)
        except (ExperimentError, LossError) as error:
            raise ExperimentError(f"{where}: grid.loss[{index}]: {error}") from None
    for index, name in enumerate(checked.confirm or ()):
        if name not in known:
            raise ExperimentError(f"{where}: confirm[{index}]: {_unknown_loss(name, known)}")
    if checked.search:
        try:
            check_search(checked.search, checked.grid, checked.train_settings(), known)
        except ExperimentError as error:
            raise ExperimentError(f"{where}: {error}") from None
    return checked.model_copy(update={"losses": tuple(str(path) for path in paths)}), known


def _replaced(listed: Iterable[Path], given: Iterable[Path]) -> list[Path]:
    """Listed files, without those that declare a loss which a given one declares, and the given."""
    given = list(dict.fromkeys(given))
    names = {loss.name for path in given for loss in read_losses(path)}
    kept = [path for path in listed if not names & {loss.name for loss in read_losses(path)}]
    return list(dict.fromkeys([*kept, *given]))


def _check_loss(entry: LossEntry, known: Mapping[str, LossSource]) -> None:
    """Make sure that a loss and its parameters exist."""
    if entry.name not in known:
        raise ExperimentError(_unknown_loss(entry.name, known))
    for parameters in entry.combinations():
        checked_parameters(known[entry.name], parameters)


def _unknown_loss(name: str, known: Mapping[str, LossSource]) -> str:
    """That there is no such loss, with the names that are like it."""
    near = get_close_matches(name, known)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    return (
        f"unknown loss {name!r}{meant} (`softsweep losses` lists those there are, "
        "--losses FILE.py adds more)"
    )


def _read(experiment: str | Path | Mapping[str, Any]) -> tuple[str, Path, dict[str, Any]]:
    """Name for messages, folder for relative paths, and content of an experiment."""
    if isinstance(experiment, Mapping):
        return "experiment", Path(), {key: _copied(value) for key, value in experiment.items()}
    name = str(experiment)
    if name in built_in_experiments():
        text, path = (BUILT_IN / f"{name}.yaml").read_text(encoding="utf-8"), Path(f"{name}.yaml")
        return f"built-in experiment {name}", Path(), _parse(text, str(path))
    path = Path(experiment)
    if (path / RESOLVED).is_file():
        path /= RESOLVED
        name = str(path)
    if path.suffix not in (".yaml", ".yml"):
        raise ExperimentError(
            f"{name}: no such experiment; give a .yaml file, a run folder or one of: "
            f"{', '.join(built_in_experiments())}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ExperimentError(f"{name}: cannot be read ({reason})") from None
    return name, path.parent, _parse(text, name)


def _copied(value: Any) -> Any:
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ExperimentError(f"{where}, line {line}: not valid YAML ({error.problem})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a NUL byte, a date 2026-99-99
        reason = " ".join(str(error).split())
        raise ExperimentError(f"{where}: not valid YAML ({reason})") from None
    if not isinstance(content, dict):
        raise ExperimentError(f"{where}: expected a mapping with keys such as name, corpus, grid")
    return content


def _apply(given: dict[str, Any], override: str) -> None:
    """Set `key.key=value` in a nested mapping."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise ExperimentError(f"--set {override}: expected key=value, as in train.epochs=5")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ExperimentError(f"--set {override}: the value is not valid YAML") from None
    *sections, key = path.split(".")
    for section in sections:
        given = given.setdefault(section, {})
        if not isinstance(given, dict):
            raise ExperimentError(f"--set {override}: {section} is a value, not a section")
    given[key] = value


def _beside(folder: Path, path: str) -> Path:
    return folder / Path(path).expanduser()


def _describe(where: str, given: Mapping[str, Any], error: ValidationError) -> str:
    """The first of pydantic's complaints as one sentence: file, key, what is wrong."""
    first = error.errors()[0]
    key = ""
    for part in _as_written(first["loc"], given):
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    message = first["msg"].removeprefix("Value error, ")
    message = (message[0].lower() + message[1:]).replace("valid tuple", "valid list")
    message = message.replace("tuple should", "list should")
    if first["type"] == "extra_forbidden":
        allowed = sorted(_schema_at(first["loc"][:-1])["properties"])
        message = f"unknown key; allowed here: {', '.join(allowed)}"
    elif first["type"] == "missing":
        message = "is required"
    elif first["type"] in ("union_tag_not_found", "union_tag_invalid"):
        union = _schema_at(first["loc"])["discriminator"]
        key += f".{union['propertyName']}"
        message = f"expected one of {', '.join(union['mapping'])}"
    elif first["type"] not in ("value_error", "too_short"):
        message += f", not {first['input']!r}"
    return f"{where}: {key}: {message}" if key else f"{where}: {message}"


def _as_written(location: tuple[int | str, ...], given: Mapping[str, Any]) -> list[int | str]:
    """A location in the file: without the reader or kind that pydantic inserts for a union."""
    kept = list(location)
    if len(kept) > 1 and kept[0] in ("corpus", "lexicons"):
        del kept[1]
    elif len(kept) > 1 and kept[0] == "vectors":  # then a place, a kind, a key
        del kept[2:3]
        if not isinstance(given["vectors"], list | tuple):  # one source stands for a list of it
            del kept[1]
    return kept


def _schema_at(location: tuple[int | str, ...]) -> dict[str, Any]:
    """What is known of the section at a location."""
    schema: dict[str, Any] = Experiment.model_json_schema()
    definitions = schema["$defs"]
    for part in location:
        if isinstance(part, int):
            schema = schema["items"]
        elif "discriminator" in schema:
            schema = {"$ref": schema["discriminator"]["mapping"][part]}
        else:
            schema = schema["properties"][part]
            schema = schema.get("anyOf", [schema])[0]  # a section that may be left out
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    return schema
