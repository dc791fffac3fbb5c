"""A node runs trials only with the code, torch, hardware and data that they were planned with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.contract.device import CPU, CUDA, Device, DeviceKind
from harness.contract.errors import DataError, HarnessError
from harness.contract.trial import Precision
from harness.data import sources
from harness.engines.cluster import suitability
from harness.engines.cluster.suitability import Expected, check, device_for, hardware
from harness.engines.machine import gpus
from harness.records import environment
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.environment import torch_version
from harness.records.provenance import packages_hash, provenance

HERE = Conditions(DeviceKind.CPU, torch_version())


@pytest.fixture
def expected(tmp_path: Path) -> Expected:
    return Expected(provenance().source, packages_hash(), HERE, None, tmp_path / "folder", hardware(CPU))


def test_the_same_machine_has_all_that_is_expected(expected: Expected) -> None:
    assert check(expected) is None
    assert expected.folder.is_dir()


def test_what_differs_is_named_with_the_fix(expected: Expected, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(said: str, **changes: object) -> None:
        with pytest.raises(HarnessError, match=said):
            check(replace(expected, **changes))  # type: ignore[arg-type]

    refused("its code differs .* check out the same commit", source="other")
    refused("its packages with reproductions .* install the same ones on every node", packages="other")
    refused("it has torch .* install the pinned versions", conditions=replace(HERE, torch="1.0"))
    refused("it has Numba .*, but the trials are for 0.1: install the pinned versions", compiler="0.1")
    refused("it has Numba .*, but the trials are for nodes without it", compiler=None)
    refused(r"but only runs on the same hardware are compared \(H100\)", hardware="H100")
    (expected.folder.parent / "file").write_text("")
    refused("cannot be created there .* --storage", folder=expected.folder.parent / "file" / "folder")
    monkeypatch.setattr(environment, "has_bf16", lambda kind: False)
    refused("give --precision fp32", conditions=replace(HERE, precision=Precision.BF16))
    monkeypatch.setattr(gpus, "count", lambda: 1)
    two = replace(HERE, device=DeviceKind.CUDA, devices=2)
    refused("torch sees 1 CUDA devices there, but a trial needs 2", conditions=two)


def test_ray_numbers_the_gpus_of_a_trial_from_0() -> None:
    on = replace(HERE, device=DeviceKind.CUDA)
    assert device_for(on) == Device(DeviceKind.CUDA, 0)
    assert device_for(replace(on, devices=2)) == replace(CUDA, count=2)
    assert [device_for(replace(HERE, devices=n)) for n in (1, 2)] == [CPU, replace(CPU, count=2)]


CIFAR = DataIdentity("cifar10", Form.FILES, "c58f30108f718f92721af3b95e74349a")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node without any data set, and where it would look for one."""
    monkeypatch.delenv(sources.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_the_stand_in_needs_no_data(expected: Expected, elsewhere: Path) -> None:
    conditions = replace(HERE, data=sources.stand_in("cifar10").identity)
    assert check(replace(expected, conditions=conditions)) is None
    assert not elsewhere.exists()


def test_missing_data_are_fetched_and_checked(
    expected: Expected, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = elsewhere / "cifar-10-batches-py"
    monkeypatch.setattr("harness.data.cifar10.fetch", lambda root: fetched.mkdir(parents=True))
    with pytest.raises(DataError, match=r"data_batch_1 is missing"):
        check(replace(expected, conditions=replace(HERE, data=CIFAR)))
    assert [path.name for path in elsewhere.iterdir()] == ["cifar-10-batches-py"]


def test_where_the_driver_has_the_data_is_looked_at_first(
    expected: Expected, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = elsewhere.parent / "drivers" / "cifar-10-batches-py"
    place.mkdir(parents=True)
    (elsewhere / "cifar-10-batches-py").mkdir(parents=True)
    monkeypatch.setattr(suitability, "_verify", lambda found: None)
    asked = replace(expected, conditions=replace(HERE, data=CIFAR), data=place)
    assert check(asked) == place
    place.rmdir()
    assert check(asked) == Path("data/cifar-10-batches-py")
    with pytest.raises(DataError, match=r"holds cifar10 \(files, c58f30108f71\), but the trials are for"):
        check(replace(asked, conditions=replace(HERE, data=replace(CIFAR, digest="other"))))


def test_photographs_that_are_missing_are_named(expected: Expected, elsewhere: Path) -> None:
    asked = replace(HERE, data=DataIdentity("imagenette", Form.FILES, "1"))
    with pytest.raises(DataError, match=r"no imagenette found .* unpack imagenette2"):
        check(replace(expected, conditions=asked))
