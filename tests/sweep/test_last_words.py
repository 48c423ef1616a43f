"""What is said of a trial whose process failed for good."""

import pytest

from sweep.executors import ray  # noqa: F401  (it says how before it imports ray)
from sweep.executors.reporter import last_words

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

MEMORY = """Failure # 1 (occurred at 2026-01-01_00-00-00)
Task was killed due to the node running low on memory.
Memory on the node (IP: 10.0.0.1, ID: 00) where the task (actor ID: 00) was running was 9GB / 9GB.
"""

CREATION = """Failure # 1 (occurred at 2026-01-01_00-00-00)
The actor died because of an error raised in its creation task, ray::R.__init__() (ip=10.0.0.1)
RuntimeError: The actor with name R failed to import on the worker:
ModuleNotFoundError: No module named 'sweep'
"""


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (DEVICE, "torch.AcceleratorError: CUDA error: device-side assert triggered"),
        (DIED, "killed, out of memory, or crashed"),
        (CREATION, "ModuleNotFoundError: No module named 'sweep'"),
        (MEMORY, "killed, as its machine ran out of memory"),
        ("", "killed, out of memory, or crashed"),
        ("something else\n", "something else"),
    ],
)
def test_the_line_that_says_why(account: str, words: str) -> None:
    assert last_words(account) == words
