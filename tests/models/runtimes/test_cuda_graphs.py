"""Batches as recorded graphs: what a graph gives is what the module gives, and what could not be recorded is seen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import parts
import pytest

parts.torch()
import torch  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from real_frames import DETECTOR  # noqa: E402

from models.networks.backbone import Backbone, random_trunk  # noqa: E402
from models.networks.detector import load_detector  # noqa: E402
from models.runtimes import cuda_graphs  # noqa: E402
from models.runtimes.cuda_graphs import BUCKETS, CudaGraphs, plan, tensors_of  # noqa: E402
from models.runtimes.device import Compute, choose_compute  # noqa: E402
from models.runtimes.runtime import Eager  # noqa: E402

EXACT = Compute(torch.device("cpu"), torch.float32)
SHAPE = (1, 2, 2)


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, (1,)), (3, (4,)), (64, (64,)), (66, (64, 2)), (96, (64, 32)), (257, (256, 1))]
)
def test_a_batch_is_made_up_of_the_graphs_that_fit_it(count: int, sizes: tuple[int, ...]) -> None:
    assert plan(count, BUCKETS) == sizes


@given(st.integers(1, 300), st.sets(st.sampled_from(BUCKETS), min_size=1))
def test_a_plan_holds_all_pictures_and_leaves_room_in_its_last_graph_only(count: int, recorded: set[int]) -> None:
    sizes = plan(count, tuple(sorted(recorded)))
    assert set(sizes) <= recorded
    assert list(sizes) == sorted(sizes, reverse=True)
    assert count <= sum(sizes) < count + sizes[-1]


class Recorded(CudaGraphs):
    """Graphs without a GPU: replayed by computing, and each replay destroys what the others put out, as graphs do that
    share their memory."""

    def __init__(self, refused: int = 0) -> None:
        super().__init__(Eager(torch.nn.Flatten(), EXACT))
        self.recorded: list[int] = []
        self.refused = refused
        self._outputs: list[torch.Tensor] = []

    def _record(self, shape: tuple[int, ...]) -> Any:
        if shape[0] == self.refused:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        self.recorded.append(shape[0])
        pictures, output = torch.zeros(shape), torch.zeros(shape[0], 4)
        self._outputs.append(output)

        def replay() -> None:
            for other in self._outputs:
                other.fill_(float("nan"))
            output.copy_(self._held(pictures))

        return cuda_graphs._Graph(replay, pictures, output, ())


def pictures(count: int) -> torch.Tensor:
    return torch.arange(count * 4, dtype=torch.float32).reshape(count, *SHAPE)


def test_the_largest_is_recorded_first_so_that_the_others_fit_into_its_memory() -> None:
    graphs = Recorded()
    graphs.prepare(SHAPE, 20)
    graphs.prepare(SHAPE, 20)
    assert graphs.recorded == [32, 16, 8, 4, 2, 1]


@pytest.mark.parametrize("count", [1, 3, 8, 11, 40])
def test_graphs_together_give_what_the_module_gives_and_it_stays(count: int) -> None:
    graphs = Recorded()
    graphs.prepare(SHAPE, 16)
    result = graphs(pictures(count))  # recorded in inference mode, called outside of it
    graphs(pictures(5))
    torch.testing.assert_close(result, pictures(count).flatten(1))
    assert (graphs.failed, graphs.eager) == (0, 0)


def test_a_size_that_cannot_be_recorded_is_reported_and_counted_and_the_others_take_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    graphs = Recorded(refused=4)
    graphs.prepare(SHAPE, 8)
    assert graphs(pictures(4)).tolist() == pictures(4).flatten(1).tolist()
    assert (graphs.recorded, graphs.failed, graphs.eager) == ([8, 2, 1], 1, 0)
    assert [record.message for record in caplog.records] == [
        "4 pictures (1, 2, 2) run without a CUDA graph, slower: operation not permitted when stream is capturing"
    ]


def test_nothing_is_recorded_while_frames_wait() -> None:
    graphs = Recorded()
    assert graphs(pictures(3)).tolist() == pictures(3).flatten(1).tolist()
    assert (graphs.recorded, graphs.eager) == ([], 3)


class FakeCuda:
    """The parts of `torch.cuda` that a recording uses, with the current stream as PyTorch keeps it: a capture that
    fails to begin or to end leaves the thread on its own."""

    def __init__(self) -> None:
        self.current: Any = "default"

    def Stream(self) -> Any:
        return type("Stream", (), {"wait_stream": lambda *_: None})()

    def CUDAGraph(self) -> None:
        return None

    def current_stream(self) -> Any:
        class Current(str):
            def wait_stream(self, other: Any) -> None: ...

        return Current(self.current)

    @contextlib.contextmanager
    def stream(self, stream: Any) -> Iterator[None]:
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    @contextlib.contextmanager
    def graph(self, graph: Any, **options: Any) -> Iterator[None]:
        self.current = "capture"
        yield
        raise RuntimeError("capture_end: operation failed due to a previous error during capture")


def test_a_capture_that_fails_leaves_the_thread_on_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeCuda()
    for name in ("Stream", "CUDAGraph", "current_stream", "stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, getattr(fake, name))
    monkeypatch.setattr(torch, "zeros", lambda shape, device: torch.ones(shape))
    graphs = CudaGraphs(Eager(torch.nn.Flatten(), EXACT))
    graphs.prepare(SHAPE, 1)
    assert fake.current == "default"
    assert graphs.failed == 1


@pytest.mark.data
def test_what_a_detection_head_made_for_a_shape_is_kept_alive(data: Path) -> None:
    run = load_detector(data / DETECTOR, EXACT, classes=(), confidence=0.5).run
    assert isinstance(run, Eager)
    run(torch.zeros(1, 3, 384, 640))
    (anchors,) = [part.anchors for part in run.module.modules() if torch.is_tensor(getattr(part, "anchors", None))]
    assert any(kept is anchors for kept in tensors_of(run.module))


@pytest.mark.gpu
@pytest.mark.data
@pytest.mark.parametrize("fused", [False, True])
def test_graphs_replay_what_the_modules_do(data: Path, fused: bool) -> None:
    compute = choose_compute("cuda", "fp32", cuda_fused=fused)
    detector = load_detector(data / DETECTOR, compute, classes=(), confidence=0.5)
    trunk = Backbone(random_trunk(3), compute)
    shapes = [(3, 384, 640), (3, 224, 384), (3, 384, 640)]  # back to a shape whose anchors have been replaced
    for graphs, of in ((detector.run, shapes), (trunk.run, [(3, 224, 224)])):
        assert isinstance(graphs, CudaGraphs)
        for shape in of:
            graphs.prepare(shape, 8)
            for count in (1, 3, 4, 11, 3):
                given_ = torch.rand((count, *shape), device=compute.device)
                with torch.inference_mode():
                    expected = graphs._held(given_)
                torch.testing.assert_close(graphs(given_), expected, rtol=1e-3, atol=1e-3)
        assert (graphs.failed, graphs.eager) == (0, 0), "else the module was compared with itself"


@pytest.mark.gpu
def test_a_capture_that_fails_on_a_gpu_leaves_the_thread_on_its_stream() -> None:
    class Waits(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures * float(pictures.sum().item())  # a wait: not permitted while recording

    compute = choose_compute("cuda", "fp32")
    graphs, before = CudaGraphs(Eager(Waits(), compute)), torch.cuda.current_stream()
    graphs.prepare(SHAPE, 1)
    assert graphs.failed == 1
    assert torch.cuda.current_stream() == before
    assert graphs(torch.ones((1, *SHAPE), device="cuda")).tolist() == [[[[4.0, 4.0], [4.0, 4.0]]]]
