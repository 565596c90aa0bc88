"""nginx with TLS before a service: a certificate of an authority that is made for the test."""

from __future__ import annotations

import datetime
import hashlib
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import parts
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from waiting import listens, wait_until

_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error; events {{}}
http {{
  access_log off; client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  map $http_upgrade $connection_word {{ default upgrade; '' close; }}
  ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;
{servers}}}
"""
_SERVER = """  server {{ listen 127.0.0.1:{port} ssl; server_name {name}; location / {{
    proxy_pass http://{where}/; proxy_http_version 1.1; proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_word;
  }} }}
"""


@dataclass(frozen=True)
class TlsSite:
    """``authority``: the file of the one to trust. ``fingerprint``: of the site's key, as Chromium takes it."""

    port: int
    authority: Path
    fingerprint: str


@contextmanager
def tls_site(folder: Path, sites: dict[str, str]) -> Iterator[TlsSite]:
    """``sites``: by name, the host and port that is served under it, all at one port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    fingerprint = _certify(folder, list(sites))
    servers = "".join(_SERVER.format(port=port, name=name, where=where) for name, where in sites.items())
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, servers=servers))
    command = [parts.nginx(), "-e", str(folder / "error"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: listens(port))
            yield TlsSite(port, folder / "authority.pem", fingerprint)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _certify(folder: Path, names: list[str]) -> str:
    """Write the authority, and the site's certificate and key; returns the fingerprint of the key."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _named("an authority of the test")
    of_authority = (
        _certificate(authority, authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    of_site = (
        _certificate(_named(names[0]), authority, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(of_authority.public_bytes(Encoding.PEM))
    (folder / "site.pem").write_bytes(of_site.public_bytes(Encoding.PEM))
    (folder / "site.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(hashlib.sha256(public).digest()).decode()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
