"""TLS to cameras: certificates are verified unless a camera is explicitly exempt."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.messages.cameras.capture_status import Reason


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How the certificate of an ``rtsps://`` camera is verified.

    Against ``fingerprint`` (SHA-256 of the certificate, hexadecimal) when there is one, else against the system's
    authorities and those in ``ca_file``, and the host name. ``verify`` False: not at all.
    """

    verify: bool = True
    fingerprint: str | None = None
    ca_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Raises `SourceRejectedError` when the CA file cannot be read."""
        context = ssl.create_default_context()
        if self.ca_file is not None:
            try:
                context.load_verify_locations(cafile=self.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise SourceRejectedError(
                    f"{self.ca_file} holds no certificates in PEM form ({error.strerror or error}): "
                    "correct PATCHWATCH_SOURCE_CA_FILE",
                    Reason.TLS,
                ) from None
        if self.fingerprint is not None or not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def check(self, certificate: bytes, display_url: str) -> None:
        """Compare the certificate (DER) with the pinned one. Raises `SourceUnavailableError`."""
        if self.fingerprint is not None and fingerprint_of(certificate) != normalised(self.fingerprint):
            raise SourceUnavailableError(
                f"{display_url} shows another certificate than the one that was pinned: it has SHA-256 "
                f"{fingerprint_of(certificate)}. If the camera really has a new one, set tls_fingerprint to it; "
                "nothing was sent to it",
                Reason.TLS,
            )


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a certificate (DER), as `TlsOptions.fingerprint`."""
    return hashlib.sha256(certificate).hexdigest()


def normalised(fingerprint: str) -> str:
    """Without the colons and capital letters that other programs write."""
    return fingerprint.replace(":", "").lower()


def untrusted(display_url: str, why: str, certificate: bytes | None) -> SourceUnavailableError:
    """The error for a certificate that no authority vouches for. ``certificate``: the one presented (DER), if known."""
    pinned = f"set the camera's tls_fingerprint to {fingerprint_of(certificate)}" if certificate else "pin it"
    return SourceUnavailableError(
        f"{display_url}: its TLS certificate is not trusted ({why.rstrip('.')}), and nothing was sent to it. For a "
        f"self-signed certificate {pinned} (compare it with what the camera's own page shows); for an authority of "
        "yours name its file in PATCHWATCH_SOURCE_CA_FILE; or set tls_verify=false to go without, where nobody else "
        "is on the network",
        Reason.TLS,
    )
