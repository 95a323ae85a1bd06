"""Requests as spans: the method, the route as it is written in the code, and the status; never the path, which may hold a token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.traces import is_heard, span

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ASKED_ALL_THE_TIME = frozenset({"/healthz", "/readyz", "/metrics"})


class Traced:
    """Stands right around the `routes`."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._paths: dict[Any, str] = {one.endpoint: one.path for one in routes if isinstance(one, Route | APIRoute)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and tell of it where anybody listens."""
        if scope["type"] != "http" or scope["path"] in _ASKED_ALL_THE_TIME or not is_heard():
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "another"
        with span("request", method=method) as seen:

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    seen.tell(status=message["status"])
                await send(message)

            try:
                await self._app(scope, receive, sending)
            finally:
                seen.tell(route=self._paths.get(scope.get("endpoint"), "none"))
