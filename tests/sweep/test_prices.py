"""Price tables: the built-in one, one's own, and what is said of a wrong one."""

from pathlib import Path

import pytest

from sweep.errors import ExperimentError
from sweep.prices import BUILT_IN, Instance, read_prices

OWN = """
as_of: 2026-01-31
source: our contract
instances:
  big: {gpus: 2, cores: 8, on_demand: 2}
"""


def test_the_built_in_table_says_of_when_and_where_its_prices_are() -> None:
    prices = read_prices(None)
    assert "us-east-1" in prices.source
    assert prices.as_of.year >= 2026
    assert prices.head
    for name, instance in prices.instances.items():
        assert instance.spot, name
        assert instance.spot < instance.on_demand, name


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(OWN)
    prices = read_prices(path)
    assert prices.instances == {"big": Instance(gpus=2, cores=8, on_demand=2.0)}
    assert (prices.currency, prices.head) == ("USD", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN.replace("on_demand: 2", "on_demand: much"), "instances.big.on_demand: input should"),
        (OWN.replace("on_demand: 2", "on_demand: -1"), "greater than or equal to 0, not -1"),
        (OWN.replace("on_demand: 2", "on_demand: .nan"), "instances.big.on_demand: input should"),
        (OWN.replace(", on_demand: 2", ""), "instances.big.on_demand: is required"),
        (OWN.replace("cores: 8", "cpus: 8"), "instances.big.cores: is required"),
        (OWN.replace("cores: 8", "cores: 8, colour: red"), "instances.big.colour: unknown key"),
        (OWN.replace("2026-01-31", "lately"), "as_of: input should be a valid date"),
        (OWN[: OWN.index("  big")], "instances: input should be a valid dictionary, not None"),
        ("- a\n", f"expected a mapping with as_of, source and instances, as in {BUILT_IN}"),
        ("a: [", "not valid YAML"),
        ("\0", "not valid YAML"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_file_and_key(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "prices.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ExperimentError) as caught:
        read_prices(path)
    assert str(caught.value).startswith(f"--prices {path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_how_many_trials_a_machine_runs() -> None:
    cpu = Instance(cores=16, on_demand=1.0)
    gpu = Instance(cores=8, gpus=2, on_demand=1.0)
    assert (cpu.trials("cpu", 1, 1), cpu.trials("cpu", 5, 1), cpu.trials("cuda", 1, 1)) == (
        16,
        3,
        0,
    )
    assert (gpu.trials("cuda", 1, 1), gpu.trials("cuda", 1, 3), gpu.trials("cuda", 4, 3)) == (
        2,
        6,
        2,
    )
    assert gpu.trials("cpu", 1, 1) == 0
