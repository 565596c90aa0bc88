"""Weights on disk: found, fetched and checked; every failure names the command that fixes it."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import parts
import pytest
from weights_site import WeightsSite, weights_site

from models.weights.catalog import (
    CATALOGUE,
    CLIP,
    DETECTOR,
    Pulled,
    VerificationResult,
    WeightsFile,
    entry_of,
    pull,
    resolve,
    resolve_verified,
    sha256_of,
    verify,
)
from models.weights.sources import HubFile, WebAddress, WeightsSource
from patchwatch.contract.errors import NotFoundError, RejectedError, RetryableError, WeightsMissingError


def safetensors_of(size: int) -> bytes:
    """A whole file of one tensor."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(range(256)) * (size // 256)


CONTENT = safetensors_of(256 * 9000)  # more than one chunk
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = safetensors_of(512)
REPOSITORY = "timm/resnet101_clip.openai"


@pytest.fixture
def site() -> Iterator[WeightsSite]:
    with weights_site() as served:
        yield served


def entry(*sources: WeightsSource) -> WeightsFile:
    return replace(CLIP, sources=sources)


def web(site: WeightsSite, path: str = "/RN101.pt", content: bytes | None = CONTENT, **more: str) -> WebAddress:
    if content is not None:
        site.files[path] = content
    return WebAddress(site.url + path, "RN101.safetensors", **({"sha256": DIGEST} | more))


@pytest.fixture
def hub(site: WeightsSite, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> WeightsSite:
    """The site as the hub of this process, with a cache of its own."""
    parts.need("clip")
    constants = import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", site.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", site.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", constants.HF_HUB_CACHE, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    impatient = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    monkeypatch.setattr("huggingface_hub.file_download.time", impatient)
    return site


SAFE = HubFile(REPOSITORY, "open_clip_model.safetensors", "RN101.safetensors")
BIN = HubFile(REPOSITORY, "open_clip_pytorch_model.bin", "RN101.bin")


def test_the_catalogue_names_what_open_clip_names() -> None:
    parts.need("clip")
    pretrained = import_module("open_clip.pretrained")
    config = pretrained.get_pretrained_cfg("RN101", "openai")
    hubs = [source for source in CLIP.sources if isinstance(source, HubFile)]
    (address,) = [source for source in CLIP.sources if isinstance(source, WebAddress)]
    assert {f"{source.repository}/" for source in hubs} == {config["hf_hub"]}
    assert address.url == config["url"]
    assert address.sha256 is not None
    assert address.sha256 in address.url


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=CATALOGUE)
def test_every_network_has_at_least_two_sources(known: WeightsFile) -> None:
    assert len({str(source) for source in known.sources}) >= 2


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="choose one of clip-rn101, yolov5s"):
        entry_of("resnet")


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=CATALOGUE)
def test_missing_weights_name_the_file_the_command_and_the_setting(known: WeightsFile, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError) as raised:
        resolve(known, None, tmp_path)
    assert f"{', '.join(known.filenames)} in {tmp_path}" in str(raised.value)
    assert f"patchwatch weights pull {known.name}" in str(raised.value)
    assert known.setting in str(raised.value)


def test_a_path_of_ones_own_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "RN101.pt").write_bytes(CONTENT)  # is not taken in its place
    with pytest.raises(WeightsMissingError, match=r"PATCHWATCH_CLIP_WEIGHTS=.*own\.pt is not a file"):
        resolve(CLIP, tmp_path / "own.pt", tmp_path)


def test_a_file_of_ones_own_is_taken_whatever_its_hash(tmp_path: Path) -> None:
    own = tmp_path / "own.pt"
    own.write_bytes(CONTENT)
    assert resolve_verified(CLIP, own, tmp_path / "nowhere") == (own, DIGEST)
    assert verify(CLIP, own, tmp_path).verdict is VerificationResult.OWN


def test_a_damaged_pulled_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "RN101.pt").write_bytes(b"half")
    with pytest.raises(WeightsMissingError, match=r"damaged or another file.*weights pull clip-rn101 --force"):
        resolve_verified(CLIP, None, tmp_path)


@pytest.mark.parametrize("name", CLIP.filenames)
def test_any_form_in_the_folder_is_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(CONTENT)
    assert resolve(CLIP, None, tmp_path) == tmp_path / name


def test_pulls_and_verifies(site: WeightsSite, tmp_path: Path) -> None:
    known, seen = entry(web(site)), []
    pulled = pull(known, tmp_path / "new", progress=lambda done, total: seen.append((done, total)))
    assert pulled == Pulled(tmp_path / "new/RN101.safetensors", known.sources[0])
    assert pulled.path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert verify(known, None, pulled.path.parent).verdict is VerificationResult.OK
    assert {file.name for file in pulled.path.parent.iterdir()} == {"RN101.safetensors", "RN101.safetensors.sha256"}


def test_does_not_pull_what_is_there_unless_forced(site: WeightsSite, tmp_path: Path) -> None:
    known = entry(web(site))
    pull(known, tmp_path)
    assert pull(known, tmp_path).source is None
    assert len(site.asked) == 1
    pull(known, tmp_path, force=True)
    assert len(site.asked) == 2


def test_replaces_a_wrong_file(site: WeightsSite, tmp_path: Path) -> None:
    known = entry(web(site))
    pull(known, tmp_path).path.write_bytes(b"wrong")
    assert sha256_of(pull(known, tmp_path).path) == DIGEST


def test_wrong_bytes_are_not_kept(site: WeightsSite, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"delivered other bytes .*published 0000"):
        pull(entry(web(site, sha256="0" * 64)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_in_place_of_the_weights_is_not_kept(site: WeightsSite, tmp_path: Path) -> None:
    page = replace(web(site, content=b"<!DOCTYPE html><title>Log in to the guest network"), sha256=None)
    with pytest.raises(RejectedError, match="no weights file: a proxy may have answered"):
        pull(entry(page), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_records_the_hash_where_none_is_published(site: WeightsSite, tmp_path: Path) -> None:
    site.files["/good.pt"] = CONTENT
    known = replace(DETECTOR, sources=(WebAddress(f"{site.url}/good.pt", "yolov5su.safetensors"),))
    path = pull(known, tmp_path).path
    assert (tmp_path / f"{path.name}.sha256").read_text().split() == [DIGEST, path.name]
    assert verify(known, None, tmp_path).verdict is VerificationResult.OK
    path.write_bytes(CONTENT[:-1])
    assert verify(known, None, tmp_path).verdict is VerificationResult.WRONG


def test_a_file_placed_by_the_user_has_no_recorded_hash(tmp_path: Path) -> None:
    (tmp_path / "yolov5su.pt").write_bytes(CONTENT)
    assert verify(DETECTOR, None, tmp_path).verdict is VerificationResult.UNRECORDED
    assert resolve_verified(DETECTOR, None, tmp_path)[1] == DIGEST


def test_a_cut_transfer_is_resumed_by_the_next_pull(site: WeightsSite, tmp_path: Path) -> None:
    known = entry(web(site))
    site.cut["/RN101.pt"] = 1
    with pytest.raises(RetryableError, match="the connection ended after"):
        pull(known, tmp_path)
    assert not (tmp_path / "RN101.safetensors").exists()
    assert pull(known, tmp_path).path.read_bytes() == CONTENT
    assert [range_ for _, _, range_ in site.asked] == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_cut_transfer_is_never_continued_with_bytes_of_another_source(site: WeightsSite, tmp_path: Path) -> None:
    broken, whole = replace(web(site, "/a", OTHER), sha256=None), web(site, "/b")
    site.cut["/a"] = 1
    assert pull(entry(broken, whole), tmp_path).path.read_bytes() == CONTENT


def test_an_absent_file_says_what_the_site_answered(site: WeightsSite, tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match=r"answered 404 .*put the file at .*RN101\.safetensors"):
        pull(entry(web(site, content=None)), tmp_path)


def test_no_network_says_where_to_put_the_file(tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match=r"cannot be fetched .*put the file at .*RN101\.safetensors"):
        pull(entry(WebAddress("http://127.0.0.1:9/RN101.pt", "RN101.safetensors")), tmp_path)


def test_the_hub_is_asked_first_and_its_stated_hash_holds(hub: WeightsSite, tmp_path: Path) -> None:
    hub.put_on_hub(REPOSITORY, SAFE.filename, CONTENT)
    seen: list[tuple[int, int | None]] = []
    pulled = pull(CLIP, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert pulled == Pulled(tmp_path / "RN101.safetensors", SAFE)
    assert pulled.path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert {file.name for file in tmp_path.iterdir()} == {"RN101.safetensors", "RN101.safetensors.sha256"}


def test_a_hub_without_safetensors_gives_the_other_form(hub: WeightsSite, tmp_path: Path) -> None:
    hub.put_on_hub(REPOSITORY, BIN.filename, b"\x80\x02" + CONTENT)
    assert pull(entry(SAFE, BIN), tmp_path) == Pulled(tmp_path / "RN101.bin", BIN)


def test_an_interrupted_hub_continues(hub: WeightsSite, tmp_path: Path) -> None:
    path = hub.put_on_hub(REPOSITORY, SAFE.filename, CONTENT)
    hub.cut[path] = 1
    assert pull(entry(SAFE), tmp_path).path.read_bytes() == CONTENT
    assert [method for method, asked, _ in hub.asked if asked == path].count("GET") == 2


@pytest.mark.parametrize("fault", ["404", "wrong hash", "cut for ever"])
def test_the_second_source_helps_when_the_first_fails(fault: str, hub: WeightsSite, tmp_path: Path) -> None:
    if fault != "404":
        path = hub.put_on_hub(REPOSITORY, SAFE.filename, OTHER)
        main = path.replace(path.split("/")[4], "main")
        hub.stated |= {path: "0" * 64, main: "0" * 64} if fault == "wrong hash" else {}
        hub.cut[path] = 1000 if fault == "cut for ever" else 0
    failed: list[str] = []
    second = replace(web(hub), kept_as="RN101.pt")
    pulled = pull(entry(SAFE, second), tmp_path, failed=lambda source, why: failed.append(f"{source} {why}"))
    assert pulled.source == second
    assert pulled.path.read_bytes() == CONTENT
    (failure,) = failed
    assert failure.startswith(f"hub {REPOSITORY} (open_clip_model.safetensors) ")


def test_all_failures_are_reported(hub: WeightsSite, tmp_path: Path) -> None:
    with pytest.raises(RetryableError) as raised:
        pull(entry(SAFE, BIN, web(hub, content=None)), tmp_path)
    for word in ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "answered 404", "--from"):
        assert word in str(raised.value)


def test_offline_nothing_is_asked(hub: WeightsSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RetryableError, match=r"offline mode \(HF_HUB_OFFLINE\)"):
        pull(entry(SAFE, web(hub)), tmp_path)
    assert hub.asked == []


def test_offline_the_hubs_own_cache_serves(hub: WeightsSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    hub.put_on_hub(REPOSITORY, SAFE.filename, CONTENT)
    huggingface_hub.hf_hub_download(REPOSITORY, SAFE.filename)
    huggingface_hub.close_session()
    hub.asked.clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert pull(CLIP, tmp_path).path.read_bytes() == CONTENT
    assert hub.asked == []


@pytest.mark.parametrize("form", ["address", "path", "file:"])
def test_a_source_of_ones_own_is_the_only_one(form: str, hub: WeightsSite, tmp_path: Path) -> None:
    hub.put_on_hub(REPOSITORY, SAFE.filename, OTHER)
    hub.files["/mine"] = CONTENT
    (tmp_path / "mine").write_bytes(CONTENT)
    own = {"address": f"{hub.url}/mine", "path": f"{tmp_path}/mine", "file:": f"file:{tmp_path}/mine"}[form]
    pulled = pull(CLIP, tmp_path / "weights", own=own)
    assert pulled.path.read_bytes() == CONTENT
    assert pulled.path.suffix == ".safetensors"
    assert verify(CLIP, None, tmp_path / "weights").verdict is VerificationResult.OK
    with pytest.raises(RetryableError, match=r"gone (answered 404|cannot be read)"):
        pull(CLIP, tmp_path / "weights", own=own.replace("mine", "gone"))


def test_another_form_takes_the_place_of_the_first(site: WeightsSite, tmp_path: Path) -> None:
    (tmp_path / "RN101.pt").write_bytes(b"old")
    pull(replace(CLIP, sources=(web(site), *CLIP.sources)), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"RN101.safetensors", "RN101.safetensors.sha256"}


def test_a_proxy_of_the_environment_is_not_used_on_this_machine(
    site: WeightsSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert pull(entry(web(site)), tmp_path).path.read_bytes() == CONTENT


def test_the_command_pulls_from_a_mirror_and_says_from_where(site: WeightsSite, tmp_path: Path) -> None:
    parts.need("clip")
    site.put_on_hub(REPOSITORY, SAFE.filename, CONTENT)
    environment = os.environ | {
        "HF_ENDPOINT": site.url, "HF_HOME": str(tmp_path / "hub"), "PATCHWATCH_WEIGHTS_DIR": str(tmp_path / "weights"),
    }  # fmt: skip
    command = [sys.executable, "-m", "patchwatch", "weights", "pull", "clip-rn101"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"from hub {REPOSITORY} (open_clip_model.safetensors)" in done.stdout
    assert (tmp_path / "weights/RN101.safetensors").read_bytes() == CONTENT
