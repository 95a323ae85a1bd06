"""SendGrid's own client over one kept connection, with its traps closed.

`python_http_client` as it comes opens a connection for each call, waits for ever, follows redirects with the key and
turns them into a GET, remembers headers of one call for the next, and writes key and payload to its DEBUG log. Here
`post` is a method of our own, which goes over a `Line`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import python_http_client
from sendgrid import SendGridAPIClient

from digest.delivery.providers.http_answer import HttpAnswer
from digest.delivery.providers.http_line import Limits, Line


class Client(python_http_client.Client):  # type: ignore[misc] # the package ships no types
    """`python_http_client.Client` whose calls go over one `Line`."""

    def __init__(
        self, line: Line, host: str, request_headers: dict[str, str], version: int | None, url_path: list[str] | None = None
    ) -> None:
        super().__init__(host=host, request_headers=request_headers, version=version, url_path=url_path)
        self._line = line

    async def post(self, request_body: bytes, limits: Limits) -> HttpAnswer:
        """POST `request_body`, which is JSON; raises `NotSent` or `NoAnswer`. It waits as `waiting` says."""
        path = urlsplit(self._build_url(None)).path
        return await self._line.post(path, request_body, {**self.request_headers, "Content-Type": "application/json"}, limits)

    def _build_client(self, name: str | None = None) -> Client:
        return Client(
            self._line, self.host, dict(self.request_headers), self._version, [*self._url_path, name] if name else self._url_path
        )


def build_client(api_key: str, host: str, line: Line) -> SendGridAPIClient:
    """SendGrid's API client, speaking over `line`."""
    api = SendGridAPIClient(api_key, host=host)
    api.client = Client(line, host, dict(api.client.request_headers), 3)
    return api
