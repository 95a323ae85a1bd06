"""Beginning a project: a folder with a configuration that works, templates, sample articles, and a secret of its own."""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from digest.errors import UsageError
from digest.shipped import shipped

CONFIGURATION = Path("config/digest.toml")

_GITIGNORE = """\
.env
secrets/
outbox/
*.db
*.db-*
*.db.lock
digest.log
"""


def init_project(folder: Path, now: datetime) -> list[Path]:
    """Make a project in `folder`, begun at `now`, and return the files written, the configuration last.

    A file that is there already is kept. A folder that has a configuration is refused with a `UsageError`, and nothing
    is changed; so is one that cannot be written, with the file it failed at: what was written until then stays, and
    `init_project` can be repeated.
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    if (folder / CONFIGURATION).exists():
        raise UsageError(
            f"{folder / CONFIGURATION}: is there already, so nothing was changed; use another folder, or remove the file"
        )
    written = []
    for name, content, mode in _files(folder, now):
        if _write(folder / name, content, mode):
            written.append(folder / name)
    return written


def _files(folder: Path, now: datetime) -> Iterator[tuple[Path, bytes, int]]:
    """Name, content and mode of each file. The configuration is the last, so that a half-made project is not taken for one."""
    for name, file in _tree(shipped("templates")):
        yield "templates" / name, file.read_bytes(), 0o644
    yield Path("articles.json"), shipped("articles.json").read_bytes(), 0o644
    example = shipped("config").joinpath("env.example").read_text(encoding="utf-8")
    yield Path(".env.example"), example.encode(), 0o644
    yield Path(".env"), _with_a_secret(example).encode(), 0o600
    yield Path(".gitignore"), _GITIGNORE.encode(), 0o644
    for name, file in _tree(shipped("config")):
        if name.name not in {"env.example", CONFIGURATION.name}:
            yield "config" / name, file.read_bytes().replace(b"/srv/digest", os.fsencode(_written_in(name, folder))), 0o644
    sample = shipped("config").joinpath(CONFIGURATION.name).read_text(encoding="utf-8")
    yield CONFIGURATION, _begun(sample, now).encode(), 0o644


def _written_in(name: Path, folder: Path) -> str:
    """A folder as who reads the file `name` of `config/` takes it."""
    there = str(folder.absolute())
    if name.parts[0] == "systemd":  # between double quotes, where % begins a specifier
        return there.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%")
    return shlex.quote(there).replace("%", r"\%")  # in a line of cron, where a bare % would end the command


def _tree(root: Path) -> Iterator[tuple[Path, Path]]:
    for file in sorted(root.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(root), file


def _begun(sample: str, now: datetime) -> str:
    written, count = re.subn(
        r"^started_at = .*$", f"started_at = {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", sample, flags=re.MULTILINE
    )
    if count != 1:
        raise ValueError("the sample configuration must have one line for started_at")
    return written


def _with_a_secret(example: str) -> str:
    return re.sub(r"^DIGEST_SECRET_KEY=$", f"DIGEST_SECRET_KEY={secrets.token_urlsafe(32)}", example, flags=re.MULTILINE)


def _write(file: Path, content: bytes, mode: int) -> bool:
    """Write a file that is not there yet, whole or not at all; tells whether it was written."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() or file.is_symlink():
            return False
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            stream.write(content)
        draft.rename(file)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise UsageError(f"{file}: cannot be written: {error.strerror}; mend it and run `digest init` again") from None
    return True
