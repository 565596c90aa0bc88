"""One setting decides where the networks run, in what precision, and on how many threads."""

from __future__ import annotations

from collections.abc import Iterator

import parts
import pytest

parts.torch()
import torch  # noqa: E402

from models.runtimes.device import choose_compute  # noqa: E402


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threads, tf32 = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = tf32


@pytest.fixture
def _a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))


@pytest.mark.usefixtures("_a_gpu")
@pytest.mark.parametrize("setting", ["auto", "cuda"])
def test_on_cuda_one_thread_does_what_is_left_for_the_cpu(setting: str) -> None:
    torch.set_num_threads(3)
    assert choose_compute(setting).device.type == "cuda"
    assert torch.get_num_threads() == 1


@pytest.mark.usefixtures("_a_gpu")
def test_the_threads_asked_for_are_taken_anywhere() -> None:
    choose_compute("cuda", threads=3)
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("_a_gpu")
def test_fp32_on_cuda_keeps_all_bits_in_convolutions_too() -> None:
    assert choose_compute("cuda", "fp32").dtype is torch.float32
    assert not torch.backends.cudnn.allow_tf32
    assert choose_compute("cuda").dtype is torch.float16
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.usefixtures("_a_gpu")
def test_a_cpu_asked_for_is_taken_beside_a_gpu() -> None:
    assert choose_compute("cpu").device.type == "cpu"
