"""Calling: one request to a web address, and how it was answered. What the answer holds is not read, and no redirect followed.

By the same rules as fetching: every address checked, no proxy or login from the environment, one deadline.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpx2

from digest import __version__
from digest.catalogue.address import web_address
from digest.catalogue.connecting import CheckedBackend, Connect, Deadline, RefusedAddress, Resolve, connect, resolve
from digest.catalogue.fetching import NETWORK_ERRORS, CheckedTransport, told
from digest.errors import Unreachable

USER_AGENT = f"Digest/{__version__} (newsletter digest builder; looks at its own pages)"
ONE_CLICK = b"List-Unsubscribe=One-Click"
_LOOKING = {"user-agent": USER_AGENT, "accept": "*/*"}
_SECONDS = 20.0


class PrivateAddress(Unreachable):
    """The name leads to an address that is private, or that nobody may connect to."""


@dataclass(frozen=True, slots=True)
class Called:
    """How a request was answered."""

    status: int
    location: str | None = None
    cookie: bool = False


def call(
    method: Literal["GET", "POST"],
    url: str,
    *,
    allow_private: bool = False,
    seconds: float = _SECONDS,
    resolve: Resolve = resolve,
    connect: Connect = connect,
    ssl_context: ssl.SSLContext | None = None,
) -> Called:
    """One request; a POST carries what one click on unsubscribe does (RFC 8058). Raises `Unreachable` with one line, tries nothing twice."""
    deadline = Deadline(seconds)
    backend = CheckedBackend(deadline, allow_private=allow_private, resolve=resolve, connect=connect)
    form = {"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    return _ask(method, url, ONE_CLICK if form else None, _LOOKING | form, deadline, backend, ssl_context)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_private: bool | str = False,
    seconds: float = _SECONDS,
    resolve: Resolve = resolve,
    connect: Connect = connect,
    ssl_context: ssl.SSLContext | None = None,
) -> Called:
    """One POST of a body with headers of its own. Raises `Unreachable` with one line, tries nothing twice."""
    deadline = Deadline(seconds)
    backend = CheckedBackend(deadline, allow_private=allow_private, resolve=resolve, connect=connect)
    return _ask(
        "POST", url, body, {"user-agent": f"Digest/{__version__}", "accept": "*/*", **headers}, deadline, backend, ssl_context
    )


def _ask(
    method: str,
    url: str,
    content: bytes | None,
    headers: Mapping[str, str],
    deadline: Deadline,
    backend: CheckedBackend,
    ssl_context: ssl.SSLContext | None,
) -> Called:
    seconds = deadline.seconds
    try:
        transport = CheckedTransport(backend, ssl_context or httpx2.create_ssl_context(trust_env=False))
        with (
            httpx2.Client(transport=transport, trust_env=False, headers=headers, timeout=seconds) as client,
            client.stream(method, web_address(url), content=content, follow_redirects=False) as response,
        ):
            return Called(response.status_code, response.headers.get("location"), "set-cookie" in response.headers)
    except RefusedAddress as error:
        raise PrivateAddress(str(error).partition(";")[0]) from None
    except NETWORK_ERRORS as error:
        raise Unreachable(told(error, deadline)) from None
    except (ValueError, OSError) as error:
        raise Unreachable(str(error) or type(error).__name__) from None
