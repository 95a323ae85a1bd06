"""Guarding: what holds for every request and every answer, whatever the page.

Only the host of `site.public_url` and loopback names are answered to. A body is read up to a bound. Pages may load their own
style sheet, their own script and pictures, and nothing else; nobody may frame them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 * 1024
"""The largest body that is read."""

MOST_REPORT_BYTES = 4 * 1024 * 1024
"""The largest report of a provider that is read: SendGrid posts up to a thousand events at once."""

WEBHOOKS = "/webhooks/"
"""Where the paths of webhooks begin."""

_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class BodyTooLarge(HTTPException):
    """More was sent than is read."""

    def __init__(self) -> None:
        super().__init__(413, "The request is too large.")


class Guard:
    """Stands around the whole application. `headers` are those of every answer that has none of its own."""

    def __init__(self, app: ASGIApp, *, public_url: str, headers: Mapping[str, str]) -> None:
        address = urlsplit(public_url)
        self._app, self._host, self._prefix = app, _host(address.netloc), address.path.rstrip("/")
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _with_headers(send, self._headers)
        if not self.answers_to(Headers(scope=scope).get("host", "")):
            refused = PlainTextResponse("This host is not served here.\n", 421)
            await refused(scope, receive, guarded)
            return
        inner = self._at_the_root(scope)
        most = MOST_REPORT_BYTES if inner["path"].startswith(WEBHOOKS) else MOST_BYTES
        await self._app(inner, _bounded(receive, most), guarded)

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names us."""
        name = _host(host)
        return bool(name) and (name == self._host or is_loopback(name))

    def _at_the_root(self, scope: Scope) -> Scope:
        """The same request without the prefix, where the proxy has left it in the path, and without a slash at its end."""
        path: str = scope["path"]
        if self._prefix and path.startswith(f"{self._prefix}/"):
            path = path[len(self._prefix) :]
        return {**scope, "path": path.rstrip("/") or "/", "raw_path": None}


def headers_for(public_url: str, pictures: Iterable[str] = ()) -> dict[str, str]:
    """What every answer carries. `pictures` are origins that pages may show pictures from, such as the logo's."""
    headers = _HEADERS | {"Content-Security-Policy": written(_POLICY | {"img-src": " ".join(["'self'", *pictures])})}
    if urlsplit(public_url).scheme == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def written(policy: Mapping[str, str]) -> str:
    """A content security policy as its header has it."""
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def is_loopback(name: str) -> bool:
    """Whether a host's name is this machine's own."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _host(text: str) -> str:
    """The name in a Host header, without the port; empty where it is none."""
    try:
        return (urlsplit(f"//{text}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered = MutableHeaders(scope=message)
            for name, value in headers.items():
                answered.setdefault(name, value)
        await send(message)

    return sending


def _bounded(receive: Receive, most: int) -> Receive:
    read = 0

    async def receiving() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > most:
                raise BodyTooLarge
        return message

    return receiving
