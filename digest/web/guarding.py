"""Guarding: what holds for every request and every answer, whatever the page.

Only the host of `site.public_url` and loopback names are answered to, but for health and metrics: who watches over containers
knows their numbers alone. A body is kept up to a bound, and heard within a deadline; of too many requests at once some are told to come again. Pages may
load their own style sheet, their own script and pictures, and nothing else; nobody may frame them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.web.bodies import MOST_BYTES, read_ahead

THREADS = 10
"""So many requests are worked on at once; the store has a connection for each, and some for letters and runs."""

MOST_AT_ONCE = 250
"""So many may be worked on, or wait for it."""

_ALIVE = "/healthz"
METRICS = "/metrics"
"""Has a lock of its own."""

_ANY_HOST = frozenset({_ALIVE, "/readyz", METRICS})
_LATER = {"Retry-After": "5"}

MOST_REPORT_BYTES = 4 * 1024 * 1024
"""The largest report of a provider that is kept: SendGrid posts up to a thousand events at once."""

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
_UNFRAMED = "frame-ancestors 'none'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Stands around the whole application. `headers` are those of every answer that has none of its own; `pages` are the first
    words of the paths that there are."""

    def __init__(
        self, app: ASGIApp, *, public_url: str, headers: Mapping[str, str], pages: Collection[str], most: int = MOST_AT_ONCE
    ) -> None:
        address = urlsplit(public_url)
        self._app, self._host, self._prefix = app, _host(address.netloc), address.path.rstrip("/")
        self._headers, self._pages, self._most, self._inside = headers, frozenset(pages), most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope, guarded = self._at_the_root(scope), _with_headers(send, self._headers)
        if scope["path"] not in _ANY_HOST and not self.answers_to(Headers(scope=scope).get("host", "")):
            refused = PlainTextResponse("This host is not served here.\n", 421)
            await refused(scope, receive, guarded)
            return
        most = MOST_REPORT_BYTES if scope["path"].startswith(WEBHOOKS) else MOST_BYTES
        await self._let_in(scope, await read_ahead(receive, most), guarded)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, unless too many are inside; whoever asks whether we live waits for nobody."""
        if self._inside >= self._most and scope["path"] != _ALIVE:
            await PlainTextResponse("Too many ask at once; please try again in a moment.\n", 503, _LATER)(scope, receive, send)
            return
        with ExitStack() as inside:
            self._inside += 1
            inside.callback(self._let_out)

            async def sending(message: Message) -> None:
                inside.close()  # the work is done: who takes the answer slowly, or never, keeps nobody else out
                await send(message)

            await self._app(scope, receive, sending)

    def _let_out(self) -> None:
        self._inside -= 1

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names us."""
        name = _host(host)
        return bool(name) and (name == self._host or is_loopback(name))

    def _at_the_root(self, scope: Scope) -> Scope:
        """The same request without the prefix, where the proxy has left it in the path, and without a slash at its end.

        A prefix that is called like a page of ours is one only before a page: `/archive/archive`, and not `/archive/weekly`.
        """
        path: str = scope["path"]
        if self._prefix and path.startswith(f"{self._prefix}/"):
            rest = path[len(self._prefix) :]
            if rest.split("/")[1] in self._pages or self._prefix.split("/")[1] not in self._pages:
                path = rest
        return {**scope, "path": path.rstrip("/") or "/", "raw_path": None}


def headers_for(public_url: str, pictures: Iterable[str] = ()) -> dict[str, str]:
    """What every answer carries. `pictures` are origins that pages may show pictures from, such as the logo's."""
    headers = _HEADERS | {"Content-Security-Policy": written(_POLICY | {"img-src": " ".join(["'self'", *pictures])})}
    if urlsplit(public_url).scheme == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def desk_policy() -> str:
    """The policy of the desk's pages: they may show previews of ours in frames, and post to us by a script of ours."""
    return written(_POLICY | {"connect-src": "'self'", "frame-src": "'self'"})


def framed_by(sites: Iterable[str]) -> str:
    """The policy of a page that these origins may frame."""
    return written(_POLICY | {"img-src": "'none'", "frame-ancestors": " ".join(sites)})


def written(policy: Mapping[str, str]) -> str:
    """A content security policy as its header has it."""
    return "; ".join(f"{name} {value}".rstrip() for name, value in policy.items())


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
            framed = _UNFRAMED not in answered.get("content-security-policy", _UNFRAMED)
            for name, value in headers.items():
                if not (framed and name == "X-Frame-Options"):  # which knows of no list
                    answered.setdefault(name, value)
        await send(message)

    return sending
