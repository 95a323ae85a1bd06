"""Files: a style sheet and a script for the pages, and for the desk. Their names change with what is in them, so browsers keep them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.rendering.colours import shades

_PAGES = Path(__file__).parent / "pages"
_NAMES = ("pages.css", "pages.js", "desk.css", "desk.js", "desk-refreshing.js", "desk-noticing.js", "desk-progress.js")
_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


class Files:
    """The files of one project; `colour` is its accent."""

    def __init__(self, colour: str) -> None:
        found = shades(colour)
        named = {
            "--accent": found.accent,
            "--on-accent": found.on_accent,
            "--accent-dark": found.accent_dark,
            "--on-accent-dark": found.on_accent_dark,
        }
        root = f":root {{ {' '.join(f'{name}: {value};' for name, value in named.items())} }}\n"
        self._content = {name: _read(name, root) for name in _NAMES}

    def path(self, name: str) -> str:
        """Where a file is served, such as `/static/pages-0123456789ab.css`."""
        stem, _, kind = name.rpartition(".")
        return f"/static/{stem}-{hashlib.sha256(self._content[name]).hexdigest()[:12]}.{kind}"

    def routes(self) -> list[Route]:
        """A route for each."""
        return [
            Route(self.path(name), _answering(content, _KINDS[name.rpartition(".")[2]]), name=name)
            for name, content in self._content.items()
        ]


def _read(name: str, root: str) -> bytes:
    content = (_PAGES / name).read_text(encoding="utf-8")
    return (root + content if name.endswith(".css") else content).encode()


def _answering(content: bytes, kind: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return Response(content, media_type=kind, headers=_FOR_EVER)

    return answer
