"""A stack's width finds what fits into memory, and never goes back to what did not."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.settings import NetworkSettings
from model.training import Data, Split, arm_bytes
from sweep.width import Width, guess, out_of_memory


@given(st.integers(1, 100), st.integers(1, 100), st.data())
def test_it_settles_at_half_of_what_fits_or_more(
    bound: int, fits: int, data: st.DataObject
) -> None:
    width = Width(data.draw(st.integers(1, bound)), bound)
    failed = []
    for _ in range(20):
        tried = width.now
        assert 1 <= tried <= bound
        assert tried not in failed
        if tried <= fits:
            width.fitted(tried)
        else:
            failed.append(tried)
            width.ran_out(tried)
    assert min(fits, bound) / 2 <= width.now <= min(fits, bound)


def test_a_chunk_that_was_short_for_want_of_arms_says_nothing() -> None:
    width = Width(4, 64)
    width.fitted(3)
    assert width.now == 4
    width.fitted(4)
    assert width.now == 8


@pytest.mark.parametrize(("fits", "now"), [(0.5, 1), (3.5, 3), (100, 8)])
def test_a_gpu_s_free_memory_is_what_it_begins_with(
    monkeypatch: pytest.MonkeyPatch, fits: float, now: int
) -> None:
    texts = Split(np.ones((4, 3), np.int32), np.ones((4, 2), np.uint8), np.full(4, ""))
    data, network = Data(np.zeros((5, 6), np.float32), {"train": texts}), NetworkSettings()
    free = int(fits * arm_bytes(data, 2, network))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 2**40))
    assert guess("cuda", data, 2, network, bound=8) == Width(now, bound=8)
    assert guess("cpu", data, 2, network, bound=8) == Width(8, bound=8)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (torch.OutOfMemoryError("tried to allocate"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GiB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (MemoryError(), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_ran_out(error: Exception, is_memory: bool) -> None:
    assert out_of_memory(error) == is_memory
