"""What ships beside the code: templates, sample configuration and sample articles, for the users to copy."""

from __future__ import annotations

from pathlib import Path

_CODE = Path(__file__).parent


def shipped(name: str, code: Path = _CODE) -> Path:
    """The path of `templates`, `config` or `articles.json`: in the wheel beside the code, in a checkout above it.

    `code` is the folder of the package `digest`.
    """
    for home in (code / "_shipped", code.parent):
        found = home / name
        if found.exists():
            return found
    raise FileNotFoundError(f"{name} does not ship with this installation of Digest: reinstall it")
