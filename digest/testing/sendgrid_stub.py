"""SendGrid's mail/send on loopback: takes what the API takes, refuses what it refuses, and misbehaves as told."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable

from digest.testing.http_stub import CLOSE, RESET, SILENCE, Early, HttpStub, Judge, Request, Respond, Script

__all__ = ["CLOSE", "PATH", "RESET", "SILENCE", "Request", "Respond", "SendGridStub", "errors"]

PATH = "/v3/mail/send"


def errors(*named: tuple[str | None, str], status: int = 400) -> Respond:
    """An answer with SendGrid's list of errors: a field and a message each."""
    body = {"errors": [{"message": message, "field": name, "help": None} for name, message in named]}
    return Respond(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


class SendGridStub(HttpStub):
    """The stub; a context manager. `url` is what goes into `providers.sendgrid.host`."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        judges: Iterable[Judge] = (),
        api_key: str = "SG.key",
        early: Early | Respond | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        super().__init__(
            lambda request: Respond(202, headers={"X-Message-Id": f"M{request.number}"}),
            script,
            judges=judges,
            path=PATH,
            headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
            early=early,
            tls=tls,
            receive_buffer=receive_buffer,
        )

    @property
    def recipients(self) -> list[str]:
        """The address of each personalization taken, in order."""
        with self.lock:
            return [address for request in self.accepted for address in request.recipients]

    def refuse(self, wrong: list[str]) -> Respond:
        """As the API says it."""
        return errors(*((None, words) for words in wrong))
