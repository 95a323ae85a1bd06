"""nginx and Caddy as their recipes have them, but for ports, folders and certificates: in front of a port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from digest.shipped import shipped
from tests.databases import eventually

HOST = "news.backend.example"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
_MAIN = "daemon off; pid {0}/pid; {1} error_log {0}/main.log; events {{}} http {{ {2} include {0}/digest.conf; }}"


@dataclass(frozen=True, slots=True)
class Front:
    """One that runs: its port, whether it speaks TLS, and where it writes."""

    kind: str
    port: int
    folder: Path

    def connect(self) -> HTTPConnection:
        """A connection to it."""
        if self.kind == "caddy":
            return HTTPConnection("127.0.0.1", self.port, timeout=30)
        anybody = ssl._create_unverified_context()  # its certificate is of this test
        return HTTPSConnection("127.0.0.1", self.port, timeout=30, context=anybody)

    def logged(self) -> str:
        """All that it has written."""
        return "".join(file.read_text(encoding="utf-8") for file in sorted(self.folder.glob("*.log")))


def program(name: str) -> str:
    """Where it is; without it the test is skipped, but in CI, which has both."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        assert os.environ.get("CI") != "true", f"{name} is missing, and CI must have it"
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def in_front(kind: str, folder: Path, behind: int) -> Iterator[Front]:
    """One of both, in front of the port `behind`."""
    (port,) = free_ports(1)
    command = _nginx(folder, port, behind) if kind == "nginx" else _caddy(folder, port, behind)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said.log").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | home)
    try:
        eventually(lambda: _answers(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "said.log").read_text(encoding="utf-8")
        yield Front(kind, port, folder)
    finally:
        process.terminate()
        process.wait(30)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def replaced(text: str, changes: dict[str, str]) -> str:
    """A recipe with other values; each of the old ones must be there."""
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


def _nginx(folder: Path, port: int, behind: int) -> list[str]:
    _certify(folder)
    (plain,) = free_ports(1)
    text = (shipped("config") / "nginx" / "digest.conf").read_text(encoding="utf-8")
    changes = {
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl;\n": "",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "news.example.com;": f"{HOST};",
        "/etc/letsencrypt/live/news.example.com": str(folder),
        "/var/log/nginx": str(folder),
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
    }
    (folder / "digest.conf").write_text(replaced(text, changes), encoding="utf-8")
    kept = " ".join(f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = _MAIN.format(folder, "user root;" if os.geteuid() == 0 else "", kept)
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    return [program("nginx"), "-p", str(folder), "-e", str(folder / "main.log"), "-c", str(folder / "nginx.conf")]


def _caddy(folder: Path, port: int, behind: int) -> list[str]:
    text = (shipped("config") / "caddy" / "Caddyfile").read_text(encoding="utf-8")
    changes = {
        "\tlog default {": "\tadmin off\n\tlog default {",
        "news.example.com {": f"http://{HOST}:{port} {{\n\tbind 127.0.0.1",
        "/var/log/caddy": str(folder),
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
    }
    (folder / "Caddyfile").write_text(replaced(text, changes), encoding="utf-8")
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _certify(folder: Path) -> None:
    """A certificate that nobody has signed but itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN={HOST}")
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
