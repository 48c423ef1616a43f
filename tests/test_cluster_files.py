"""The two files for `ray up`: Ray takes them, and they keep to what the README promises."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "cluster.yaml", ROOT / "cluster-owned.yaml"]
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder with a token, and Amazon's credentials, that are nobody's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    monkeypatch.chdir(ROOT)  # where the files' own paths begin
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("token")


def content(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def commands(config: dict[str, Any], when: str) -> list[str]:
    return [line for key, lines in config.items() if re.search(when, key) for line in lines]


@each_file
def test_ray_s_schema_and_loader_take_it(path: Path) -> None:
    from ray.autoscaler._private.util import hash_runtime_conf, prepare_config, validate_config

    config = prepare_config(content(path))
    validate_config(config)
    mounts = config["file_mounts"]
    hash_runtime_conf(mounts, None, config)  # type: ignore[no-untyped-call]  # finds every file


@each_file
def test_every_start_of_ray_demands_the_token_and_shows_nothing_to_the_network(path: Path) -> None:
    starts = [line for line in commands(content(path), "start_ray") if "ray start" in line]
    assert len(starts) == 2
    for line in starts:
        assert re.match(r"export RAY_AUTH_MODE=token[ ;]", line)  # each line is a shell of its own
        assert ("--dashboard-host=127.0.0.1" in line) == ("--head" in line)
        assert ("--disable-usage-stats" in line) == ("--head" in line)


@each_file
def test_the_token_is_sent_as_a_file_and_kept_from_others(path: Path) -> None:
    config = content(path)
    (there,) = (there for there, here in config["file_mounts"].items() if here.endswith("_token"))
    assert f"chmod 600 {there}" in config["setup_commands"]
    named = {
        value.replace("$HOME", "~")
        for line in commands(config, "start_ray") + config["setup_commands"]
        for value in re.findall(r"RAY_AUTH_TOKEN_PATH=(\S+?);?(?=\s|$)", line)
    } or {"~/.ray/auth_token"}
    assert named == {there}


@each_file
def test_nothing_in_it_is_secret_or_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for secret in (r"AKIA[0-9A-Z]{12}", r"(?i)(secret|password|token)\w*\s*[:=]\s*[\w+/]{20,}"):
        assert not re.search(secret, text)
    assert not re.search(r"(/root|/home/|ami-[0-9a-f]{8})", text)


@each_file
def test_what_is_only_an_example_is_marked(path: Path) -> None:
    example = re.compile(r"192\.168|example\.org/softsweep|=s3://MY-|=/shared/softsweep|GroupName")
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if example.search(line) and not line.lstrip().startswith("#"):
            assert "CHANGE" in "".join(lines[number - 3 : number + 1]), line


@each_file
def test_versions_are_pinned_alike_everywhere(path: Path) -> None:
    config = content(path)
    install = "\n".join(config["setup_commands"])
    assert config["file_mounts"]["~/softsweep-constraints.txt"] == "constraints.txt"
    assert "--constraints ~/softsweep-constraints.txt" in install
    assert re.search(r"--python 3\.\d+\.\d+ ", install)
    assert re.search(r"astral\.sh/uv/\d+\.\d+\.\d+/", install)
    assert re.search(r"softsweep\[cluster\] @ git\+https://\S+@v\d", install)
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert set(re.findall(r"^(ray|torch|boto3)==", constraints, re.M)) == {"ray", "torch", "boto3"}


def test_both_install_the_same() -> None:
    one, other = (content(path)["setup_commands"] for path in FILES)
    assert [line for line in one if "bin/uv" in line] == [
        line for line in other if "bin/uv" in line
    ]


def test_the_owned_file_s_head_brings_workers_back() -> None:
    head, _ = (
        line for line in commands(content(FILES[1]), "start_ray") if line.startswith("export")
    )
    assert "RAY_enable_autoscaler_v2=0" in head


@pytest.fixture
def amazon() -> Iterator[Any]:
    """Amazon's answers, of moto; with the security group and profile that the file asks for."""
    import boto3
    import moto

    with moto.mock_aws():
        config = content(FILES[0])
        profile = config["available_node_types"]["head"]["node_config"]["IamInstanceProfile"]
        boto3.client("iam").create_instance_profile(InstanceProfileName=profile["Name"])
        ec2 = boto3.client("ec2", region_name=config["provider"]["region"])
        (vpc,) = ec2.describe_vpcs()["Vpcs"]
        group = ec2.create_security_group(
            GroupName=config["provider"]["security_group"]["GroupName"],
            Description="all of it within, ssh from the office",
            VpcId=vpc["VpcId"],
        )["GroupId"]
        office = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
        office["IpRanges"] = [{"CidrIp": "192.0.2.0/24"}]
        within = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[office, within])
        yield ec2


@pytest.mark.slow
def test_ray_up_s_loader_makes_machines_of_it_at_amazon(amazon: Any) -> None:
    from ray.autoscaler._private.commands import _bootstrap_config

    config = _bootstrap_config(content(FILES[0]), no_config_cache=True)
    types = config["available_node_types"]
    machines = {name: kind["node_config"] for name, kind in types.items()}
    head = machines[config["head_node_type"]]
    assert "InstanceMarketOptions" not in head
    assert {name for name, machine in machines.items() if "InstanceMarketOptions" in machine} == {
        "spot"
    }
    assert [types[name]["min_workers"] for name in ("spot", "on-demand")] == [0, 0]
    assert types["spot"]["max_workers"] == config["max_workers"] > 0
    assert types["on-demand"]["max_workers"] == 0
    assert types["head"]["resources"]["CPU"] == 0
    assert types["spot"]["resources"]["GPU"] == 1
    for machine in machines.values():
        for same in ("ImageId", "IamInstanceProfile", "MetadataOptions", "SecurityGroupIds"):
            assert machine[same] == head[same]
        assert machine["MetadataOptions"]["HttpTokens"] == "required"
        amazon.run_instances(**_asked(machine))  # what Ray asks for is well-formed
    assert config["provider"]["cache_stopped_nodes"] is False
    (group,) = amazon.describe_security_groups(GroupIds=head["SecurityGroupIds"])["SecurityGroups"]
    assert "0.0.0.0/0" not in str(group["IpPermissions"])


def _asked(machine: dict[str, Any]) -> dict[str, Any]:
    asked = {key: value for key, value in machine.items() if key != "SubnetIds"}
    return asked | {"MinCount": 1, "MaxCount": 1, "SubnetId": machine["SubnetIds"][0]}


def test_spot_workers_are_watched_over_on_the_line_that_starts_them() -> None:
    *_, worker = commands(content(FILES[0]), "worker_start_ray")
    assert re.search(
        r"ray start --address=\S+ &&\s+\{ setsid nohup python -m sweep\.spot .*& \}", worker
    )
