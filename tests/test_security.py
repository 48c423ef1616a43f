"""Nothing that is read can make the project run it; docs/security.md says what is trusted."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("features", "model", "results", "sweep", "benchmarks")

EXECUTES = {
    "eval",
    "exec",
    "__import__",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "runpy.run_path",
    "yaml.load",
    "yaml.load_all",
    "yaml.full_load",
    "yaml.unsafe_load",
    "pd.read_pickle",
    "pandas.read_pickle",
    "joblib.load",
    "shelve.open",
    "marshal.loads",
    "cloudpickle.loads",
    "spec_from_file_location",
    "importlib.util.spec_from_file_location",
    "tempfile.mktemp",
}
"""Functions that run what they are given, or can be made to."""

ALLOWED = {
    ("model/surrogates.py", "exec"),  # a loss file, given by the user or trusted by an option
    ("features/vectorfiles/keyedvectors.py", "pickle.Unpickler"),  # which knows four classes
}

CAREFUL = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
"""Functions that are safe only when told so."""


def test_the_page_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"\btests/[\w/.]+\w", page)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Each call in the project: its file, the function's name as written, the call."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield path.relative_to(ROOT).as_posix(), ast.unparse(node.func), node


def literal(call: ast.Call, keyword: str) -> object:
    given = [word.value for word in call.keywords if word.arg == keyword]
    return given[0].value if given and isinstance(given[0], ast.Constant) else None


def test_nothing_runs_what_it_reads() -> None:
    found = {(file, name) for file, name, _ in calls() if name in EXECUTES}
    assert found <= ALLOWED


def test_what_is_safe_only_when_told_so_is_told_so() -> None:
    for file, name, call in calls():
        if name in CAREFUL:
            keyword, value = CAREFUL[name]
            assert literal(call, keyword) is value, f"{file}, line {call.lineno}: {name}"


def test_no_shell_is_given_what_was_read() -> None:
    for file, name, call in calls():
        assert literal(call, "shell") is not True, f"{file}, line {call.lineno}: {name}"


def test_pickles_are_read_in_one_place_only() -> None:
    """gensim's own vectors, which a user names, by a reader that builds four known classes."""
    importers = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib.load"}
    found = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names = {alias.name for alias in node.names}
                else:
                    names = {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
                if names & importers:
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == {"features/vectorfiles/keyedvectors.py"}


@pytest.mark.parametrize(
    "source", ["exec(x)", "yaml.load(f)", "torch.load(f)", "run(c, shell=True)"]
)
def test_the_search_would_find_them(source: str, tmp_path: Path) -> None:
    (call,) = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    name = ast.unparse(call.func)
    careless = name in CAREFUL and literal(call, CAREFUL[name][0]) is not CAREFUL[name][1]
    assert name in EXECUTES or careless or literal(call, "shell") is True
