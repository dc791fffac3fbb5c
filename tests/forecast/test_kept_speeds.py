"""Speeds in the store: by hardware, torch and precision; a damaged file counts as none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.contract.device import CPU, CUDA, Device
from harness.contract.trial import Precision
from harness.forecast.kept_speeds import FILE, keep, kept, missing
from harness.records import environment

FP32, BF16 = Precision.FP32, Precision.BF16


def on(
    monkeypatch: pytest.MonkeyPatch, cpu: str = "A core", torch: str = "2.13.0", gpu: str | None = None
) -> None:
    """As if the machine were this one."""
    monkeypatch.setattr(environment, "cpu_name", lambda: cpu)
    monkeypatch.setattr(environment, "torch_version", lambda: torch)
    monkeypatch.setattr(environment, "gpu_name", lambda index=0: gpu)


def test_what_is_kept_is_found_again_and_added_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch)
    root = tmp_path / "results"
    assert kept(root, CPU) == {}
    assert missing(root, CPU, Precision) == sorted(Precision)
    keep(root, CPU, {FP32: 5e10})
    keep(root, CPU, {BF16: 8.5e10})
    assert kept(root, CPU) == {FP32: 5e10, BF16: 8.5e10}
    assert missing(root, CPU, Precision) == []
    assert [path.name for path in root.iterdir()] == [FILE]
    assert json.loads((root / FILE).read_text()) == {"A core": {"2.13.0": {"fp32": 5e10, "bf16": 8.5e10}}}


def test_other_hardware_and_another_torch_are_measured_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, gpu="H100")
    keep(tmp_path, CPU, {FP32: 5e10})
    keep(tmp_path, CUDA, {FP32: 3e12})
    assert kept(tmp_path, Device.parse("cuda:1")) == {FP32: 3e12}
    on(monkeypatch, torch="2.14.0", gpu="H100")
    assert kept(tmp_path, CPU) == kept(tmp_path, CUDA) == {}
    on(monkeypatch, cpu="B core", gpu="T4")
    assert kept(tmp_path, CPU) == kept(tmp_path, CUDA) == {}
    keep(tmp_path, CPU, {FP32: 1e10})
    on(monkeypatch, gpu="H100")
    assert (kept(tmp_path, CPU), kept(tmp_path, CUDA)) == ({FP32: 5e10}, {FP32: 3e12})


def test_a_gpu_without_a_name_is_nothing_to_keep_a_speed_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch)
    keep(tmp_path, CUDA, {FP32: 3e12})
    assert missing(tmp_path, CUDA, Precision) == []
    assert kept(tmp_path, CUDA) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000,
        b'{"A core": {"2.13.0": {"fp32": 0}}}',
        b'{"A core": {"2.13.0": {"fp32": -5}}}',
        b'{"A core": {"2.13.0": {"fp32": "fast"}}}',
        b'{"A core": {"2.13.0": {"fp8": 5.0}}}',
        b'{"A core": {"2.13.0": {"fp32": NaN}}}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_replaced(text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch)
    (tmp_path / FILE).write_bytes(text)
    assert kept(tmp_path, CPU) == {}
    keep(tmp_path, CPU, {FP32: 5e10})
    assert kept(tmp_path, CPU) == {FP32: 5e10}


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(OSError, match="results"):
        keep(tmp_path / "results", CPU, {FP32: 5e10})
