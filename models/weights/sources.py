"""Where weights can be had: a hub repository, a web address, or a file of the user's; each fetches into one file.

An address of the user's may hold a password: hide it wherever a source or a reason is shown.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from patchwatch.contract.errors import RetryableError

_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all (None: unknown)


class WeightsSource(Protocol):
    """One place that may have a file. ``kept_as`` is its name in the weights folder, by format."""

    @property
    def kept_as(self) -> str: ...

    @property
    def sha256(self) -> str | None:
        """As published beside the address; None where nothing is."""

    remote: ClassVar[bool]
    """Whether it takes a network that offline mode forbids."""
    resumes: ClassVar[bool]
    """Whether it continues what an earlier call left in ``partial``."""

    def fetch(self, partial: Path, progress: Progress, *, force: bool) -> str | None:
        """Write the file to ``partial`` and return the sha256 that the source states now, if it does.

        Raises `RetryableError` with the reason only.
        """


@dataclass(frozen=True)
class WebAddress:
    """A file at a plain http(s) address."""

    url: str
    kept_as: str
    sha256: str | None = None
    remote: ClassVar[bool] = True
    resumes: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.url

    def fetch(self, partial: Path, progress: Progress, *, force: bool) -> str | None:
        try:
            self._transfer(partial, progress)
        except urllib.error.HTTPError as error:
            error.close()
            partial.unlink(missing_ok=True)
            raise RetryableError(f"answered {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RetryableError(f"cannot be fetched ({getattr(error, 'reason', error)})") from None
        return None

    def _transfer(self, partial: Path, progress: Progress) -> None:
        have = partial.stat().st_size if partial.exists() else 0
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
        with _opener(self.url).open(request, timeout=_TIMEOUT_S) as answer:
            resumed = answer.status == http.client.PARTIAL_CONTENT
            length = answer.headers.get("Content-Length")
            done = have if resumed else 0
            total = done + int(length) if length else None
            with partial.open("ab" if resumed else "wb") as file:
                while chunk := answer.read(_CHUNK_BYTES):
                    file.write(chunk)
                    done += len(chunk)
                    progress(done, total)
        if total is not None and done < total:
            raise ConnectionError(f"the connection ended after {done} of {total} bytes")


@dataclass(frozen=True)
class HubFile:
    """A file of a Hugging Face repository, or of a mirror named by HF_ENDPOINT. In offline mode (HF_HUB_OFFLINE) it
    is taken from the hub's own cache."""

    repository: str
    filename: str
    kept_as: str
    sha256: str | None = None
    remote: ClassVar[bool] = False  # its own library knows what offline mode means
    resumes: ClassVar[bool] = False  # in a folder of its own

    def __str__(self) -> str:
        return f"hub {self.repository} ({self.filename})"

    def fetch(self, partial: Path, progress: Progress, *, force: bool) -> str | None:
        try:
            with _hub_session():
                return self._download(partial, progress, force)
        except ModuleNotFoundError:
            raise RetryableError("needs huggingface_hub, which comes with the extra `clip`") from None
        except Exception as error:  # noqa: BLE001 (border: the library passes on what its HTTP client raises)
            reason = " ".join(str(error).split()) or type(error).__name__
            raise RetryableError(f"cannot be fetched ({reason[:300]})") from None

    def _download(self, partial: Path, progress: Progress, force: bool) -> str | None:
        import huggingface_hub
        from huggingface_hub import constants

        logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # what went wrong is said once, by us
        if constants.HF_HUB_OFFLINE:
            shutil.copyfile(huggingface_hub.hf_hub_download(self.repository, self.filename), partial)
            return None
        stated = huggingface_hub.get_hf_file_metadata(
            huggingface_hub.hf_hub_url(self.repository, self.filename), token=None, timeout=_TIMEOUT_S
        )
        folder = partial.with_name(".hub")
        arrived = huggingface_hub.hf_hub_download(
            self.repository, self.filename, revision=stated.commit_hash, local_dir=folder, force_download=force,
            tqdm_class=_bar_class(progress),
        )  # fmt: skip
        os.replace(arrived, partial)
        shutil.rmtree(folder, ignore_errors=True)
        return stated.etag if stated.etag and _SHA256.fullmatch(stated.etag) else None


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine."""

    path: Path
    kept_as: str
    sha256: str | None = None
    remote: ClassVar[bool] = False
    resumes: ClassVar[bool] = False

    def __str__(self) -> str:
        return str(self.path)

    def fetch(self, partial: Path, progress: Progress, *, force: bool) -> str | None:
        try:
            shutil.copyfile(self.path, partial)
        except OSError as error:
            raise RetryableError(f"cannot be read ({error.strerror or error})") from None
        progress(partial.stat().st_size, partial.stat().st_size)
        return None


def source_of(text: str, kept_as: str) -> WeightsSource:
    """What a user named: an http(s) address, ``file:PATH``, or a path."""
    if text.startswith(("http://", "https://")):
        return WebAddress(text, kept_as)
    return LocalFile(Path(text.removeprefix("file://").removeprefix("file:")).expanduser(), kept_as)


def offline() -> bool:
    """Whether HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids the network, as the hub's library reads it."""
    try:
        from huggingface_hub import constants
    except ModuleNotFoundError:
        return False
    return bool(constants.HF_HUB_OFFLINE)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Proxies of the environment lead to other machines: nothing of this machine goes through them."""
    if _is_this_machine(urlsplit(url).hostname or ""):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bar_class(progress: Progress) -> Any:
    """A progress bar of the hub's library that reports to ours and draws nothing."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # no thread that watches over drawing
        done = 0

        def update(self, n: float | None = 1) -> bool | None:
            self.done += int(n or 0)
            progress(self.done, None if self.total is None else int(self.total))
            return None

        def display(self, *_: Any, **__: Any) -> None:
            """Nothing."""

    return Bar


@contextmanager
def _hub_session() -> Iterator[None]:
    """The library keeps its connections open for the life of the process; ours end with the file."""
    import huggingface_hub

    try:
        yield
    finally:
        huggingface_hub.close_session()
