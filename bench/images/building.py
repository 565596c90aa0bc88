"""The real Dockerfile, built without a daemon: buildah, in chroot isolation, on a base that the caller names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from bench.images.compose_file import ROOT
from bench.images.container import Image

TARGETS = ("service", "ingest", "inference", "all")
# Redis' own image is not built here: Debian's Redis on the same base takes its place.
_REDIS = "FROM {base}\nRUN apt-get update && apt-get install -y --no-install-recommends redis-server\nWORKDIR /data\n"


class Store:
    """Images and their mounted containers, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._buildah = ["buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run")]
        self._containers: list[str] = []

    def build(self, target: str, base: str, variant: str, secrets: tuple[str, ...]) -> str:
        """Build one target of the Dockerfile; the name of the image."""
        name = f"localhost/patchwatch-{target}:{variant}"
        arguments = ["--build-arg", f"BASE={base}", "--build-arg", f"VARIANT={variant}", "--target", target]
        for secret in secrets:
            arguments += ["--secret", secret]
        self._run("build", "--isolation", "chroot", "--layers", *arguments, "--tag", name, str(ROOT))
        return name

    def build_redis(self, base: str, folder: Path) -> str:
        file = folder / "Redis"
        file.write_text(_REDIS.format(base=base))
        name = "localhost/patchwatch-trial-redis"
        self._run("build", "--isolation", "chroot", "--layers", "--file", str(file), "--tag", name, str(folder))
        return name

    def size_mb(self, name: str) -> int:
        """Of all its files on disk, uncompressed and in whole blocks: a little more than ``docker images`` says."""
        container = self._run("from", name).strip()
        try:
            root = self._run("mount", container).strip()
            counted = subprocess.run(
                ["du", "--summarize", "--block-size=1000000", root], capture_output=True, check=True
            )
        finally:
            self._run("rm", container)
        return int(counted.stdout.split()[0])

    def mount(self, name: str) -> Image:
        """A container of the image with its root mounted until `close`."""
        config = self._inspected(name)["OCIv1"]["config"]
        container = self._run("from", name).strip()
        self._containers.append(container)
        root = Path(self._run("mount", container).strip())
        return Image(
            root=root,
            user=_user(root, config.get("User", "")),
            environment=tuple(config.get("Env", ())),
            entrypoint=tuple(config.get("Entrypoint", ())),
            working_dir=config.get("WorkingDir") or "/",
        )

    def close(self) -> None:
        while self._containers:
            self._run("rm", self._containers.pop())

    def _inspected(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._run("inspect", "--type", "image", name))
        return found

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._buildah, *arguments], stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout


def user_of(root: Path, name: str) -> tuple[int, int]:
    """Its numbers in the image's own list of users."""
    for line in (root / "etc" / "passwd").read_text().splitlines():
        found, _, uid, gid, *_ = line.split(":")
        if found == name:
            return int(uid), int(gid)
    raise ValueError(f"{root} has no user {name}")


def _user(root: Path, text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    uid, _, gid = text.partition(":")
    return (int(uid), int(gid or uid)) if uid.isdigit() else user_of(root, uid)
