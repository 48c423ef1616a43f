"""What is said of a trial whose process failed for good."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sweep.executors.ray import last_words

DEVICE = """Failure # 3 (occurred at 2026-01-01_00-00-00)
ray::StackTrainable.train() (pid=1)
  File "trial.py", line 1, in _train
torch.AcceleratorError: CUDA error: device-side assert triggered
CUDA kernel errors might be asynchronously reported at some other call.
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.
"""
DIED = """Failure # 3 (occurred at 2026-01-01_00-00-00)
The actor died unexpectedly before finishing this task.
\tclass_name: StackTrainable
\tpid: 1
"""


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (DEVICE, "torch.AcceleratorError: CUDA error: device-side assert triggered"),
        (DIED, "killed, out of memory, or crashed"),
        ("", "killed, out of memory, or crashed"),
        ("something else\n", "something else"),
    ],
)
def test_the_line_that_says_why(tmp_path: Path, account: str, words: str) -> None:
    path = tmp_path / "error.txt"
    path.write_text(account)
    assert last_words(SimpleNamespace(error_file=str(path))) == words
    assert last_words(SimpleNamespace(error_file=None)) == "killed, out of memory, or crashed"
