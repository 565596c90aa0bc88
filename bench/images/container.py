"""One container, run by runc with the rights, mounts and environment that Compose would give it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
_MOUNT = ("nosuid", "nodev", "noexec")
_SHM = "/dev/shm"  # noqa: S108 - within the container


@dataclass(frozen=True)
class Image:
    """A built image: its mounted root, and what its file says of processes."""

    root: Path
    user: tuple[int, int]
    environment: tuple[str, ...]
    entrypoint: tuple[str, ...]
    working_dir: str


class Container:
    """``service``: of docker-compose.yml. ``volumes``: places on this machine for the mounts that it names."""

    def __init__(
        self, name: str, image: Image, service: dict[str, Any], volumes: dict[str, Path], secrets: Path, pod: Pod
    ) -> None:
        self.name = f"{pod.name}-{name}"
        self._bundle = pod.folder / name
        self._bundle.mkdir()
        own_secrets = self._bundle / "secrets"
        own_secrets.mkdir()
        for secret in service.get("secrets", ()):
            (own_secrets / secret).write_bytes((secrets / secret).read_bytes())
        spec = _spec(name, image, service, pod) | {"mounts": _mounts(service, volumes, own_secrets, pod)}
        (self._bundle / "config.json").write_text(json.dumps(spec))
        self.log = self._bundle / "log"
        self._health = service.get("healthcheck", {}).get("test", ())
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            command = ["runc", "run", "--bundle", str(self._bundle), self.name]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        subprocess.run(["runc", "kill", self.name, "TERM"], capture_output=True, check=False)
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            subprocess.run(["runc", "kill", self.name, "KILL"], capture_output=True, check=False)
            self._process.wait(timeout=60)

    def execute(self, *command: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """As ``docker compose exec``."""
        return subprocess.run(
            ["runc", "exec", self.name, *command], capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def is_healthy(self) -> bool:
        """What the health check of the Compose file says now."""
        kind, *words = self._health
        return self.execute(*(("sh", "-c", *words) if kind == "CMD-SHELL" else words)).returncode == 0

    @property
    def exit_status(self) -> int | None:
        return self._process.poll() if self._process else None


class Pod:
    """The network that containers share: a namespace with a loopback of its own and nothing else."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.hosts = folder / "hosts"
        self.hosts.write_text("127.0.0.1 localhost redis service\n")

    def __enter__(self) -> Self:
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run([*self.inside, "ip", "link", "set", "lo", "up"], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False)

    @property
    def inside(self) -> list[str]:
        """What a command begins with that runs in this network."""
        return ["ip", "netns", "exec", self.name]


def _spec(name: str, image: Image, service: dict[str, Any], pod: Pod) -> dict[str, Any]:
    environment = [f"{key}={value}" for key, value in service.get("environment", {}).items()]
    command = service["command"]
    if service["cap_drop"] != ["ALL"]:
        raise ValueError(f"{name} keeps capabilities")
    uid, gid = image.user
    return {
        "ociVersion": "1.0.2",
        "hostname": name,
        "root": {"path": str(image.root), "readonly": bool(service["read_only"])},
        "process": {
            "args": [*image.entrypoint, *command],
            "cwd": image.working_dir,
            "env": [*image.environment, *environment],
            "user": {"uid": uid, "gid": gid},
            "capabilities": dict.fromkeys(_SETS, ()),
            "noNewPrivileges": "no-new-privileges:true" in service["security_opt"],
        },
        "linux": {
            "cgroupsPath": f"/{pod.name}-{name}",
            "resources": {"pids": {"limit": service["pids_limit"]}},
            "namespaces": [
                *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
                {"type": "network", "path": f"/run/netns/{pod.name}"},
            ],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }


def _mounts(service: dict[str, Any], volumes: dict[str, Path], secrets: Path, pod: Pod) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
        {
            "destination": _SHM,
            "type": "tmpfs",
            "source": "shm",
            "options": [*_MOUNT, "mode=1777", "size=64m"],
        },
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*_MOUNT, "ro"]},
        _bind(pod.hosts, "/etc/hosts", "ro"),
        _bind(secrets, "/run/secrets", "ro"),
    ]
    for mount in service.get("tmpfs", ()):
        place, _, options = mount.partition(":")
        options = [*_MOUNT, "mode=1777", *options.split(",")]
        mounts.append({"destination": place, "type": "tmpfs", "source": "tmpfs", "options": options})
    for mount in service.get("volumes", ()):
        source, place, *rights = mount.split(":")
        mounts.append(_bind(volumes[source], place, *(rights or ["rw"])))
    return mounts


def _bind(source: Path, place: str, rights: str) -> dict[str, Any]:
    return {"destination": place, "type": "bind", "source": os.fspath(source), "options": ["rbind", rights]}
