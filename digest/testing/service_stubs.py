"""Postmark, Resend, Mailgun and Amazon SES on loopback: what each takes, what each answers, and whom a request is for."""

from __future__ import annotations

import base64
import email
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.policy import default
from typing import Any

from digest.testing.http_stub import HttpStub, Request, Respond, Script

KEY = "canary-key"
_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Service:
    """How to speak as one of them. `settings` is the provider's table, `secrets` what may stand in no text."""

    name: str
    settings: Mapping[str, Any]
    secrets: tuple[str, ...]
    path: str
    headers: Mapping[str, str]
    usual: Callable[[Request], Respond]
    recipients: Callable[[Request], list[str]]
    judge: Callable[[Any], Iterable[str]]
    key: str | None = None  # the header that holds an idempotency key

    def stub(self, script: Script | None = None, **how: Any) -> ServiceStub:
        """A stub that takes what this service takes."""
        return ServiceStub(self, script, **how)

    def environment(self, stub: HttpStub) -> dict[str, str]:
        """The variables that send through `stub`."""
        prefix = f"DIGEST_PROVIDERS__{self.name.upper()}__"
        table = {f"{prefix}{name.upper()}": str(value) for name, value in self.settings.items()}
        return {"DIGEST_DELIVERY__PROVIDER": self.name, **table, f"{prefix}HOST": stub.url}


class ServiceStub(HttpStub):
    """One of them; a context manager."""

    def __init__(self, service: Service, script: Script | None = None, **how: Any) -> None:
        judges = how.pop("judges", [service.judge])
        super().__init__(service.usual, script, path=service.path, headers=dict(service.headers), judges=judges, **how)
        self.service = service

    def known(self, request: Request) -> Respond | None:
        """Under a key that it knows, a service gives its first answer again, or refuses another body."""
        header = self.service.key
        if header is None:
            return None
        with self.lock:
            earlier = next((one for one in self.accepted if one.headers[header] == request.headers[header]), None)
        if earlier is None:
            return None
        if earlier.body != request.body:
            return says(409, {"name": "invalid_idempotent_request", "message": "another body"})
        return self.service.usual(earlier)

    @property
    def recipients(self) -> list[str]:
        """The address of each mail in the requests that were taken, in order."""
        with self.lock:
            return [address for request in self.accepted for address in self.service.recipients(request)]


def says(status: int, body: Any, **headers: str) -> Respond:
    """An answer in JSON."""
    return Respond(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})


def address_of(mailbox: str) -> str:
    """The address in `Name <address>`."""
    return mailbox.rpartition("<")[2].rstrip(">")


def _postmark_usual(request: Request) -> Respond:
    return says(200, [postmark_result(message["To"], request.number) for message in request.payload])


def postmark_result(to: str, number: int = 1, code: int = 0, message: str = "OK") -> dict[str, Any]:
    """One message's result in the answer to a batch."""
    if code:
        return {"ErrorCode": code, "Message": message}
    return {"To": to, "SubmittedAt": "2026-11-23T09:00:00Z", "MessageID": f"M{number}", "ErrorCode": 0, "Message": "OK"}


def _judge_postmark(payload: Any) -> Iterator[str]:
    known = {"From", "To", "ReplyTo", "Subject", "HtmlBody", "TextBody", "Headers", "Metadata", "Tag"}
    known |= {"TrackOpens", "TrackLinks", "MessageStream"}
    if not 1 <= len(payload) <= 500:
        yield f"{len(payload)} messages"
    for message in payload:
        if set(message) - known:
            yield f"keys {sorted(set(message) - known)}"
        if any(len(name) > 20 or len(value) > 80 or not value for name, value in message["Metadata"].items()):
            yield "metadata that is too long, or empty"
        if message["TrackOpens"] is not False or message["TrackLinks"] != "None":
            yield "tracking is on"
        if len(message["Tag"]) > 1000:
            yield "a tag that is too long"


def _judge_resend(payload: Any) -> Iterator[str]:
    known = {"from", "to", "reply_to", "subject", "html", "text", "headers", "tags"}
    if set(payload) - known:
        yield f"keys {sorted(set(payload) - known)}"
    if len(payload["to"]) != 1:
        yield "not one recipient"
    if any(not _ID.fullmatch(tag["name"]) or not _ID.fullmatch(tag["value"]) for tag in payload["tags"]):
        yield "a tag that Resend does not take"


def _judge_mailgun(form: Any) -> Iterator[str]:
    fields = dict(form)
    to = [address_of(value) for name, value in form if name == "to"]
    variables = json.loads(fields["recipient-variables"])
    if not 1 <= len(to) <= 1000 or len(set(to)) != len(to):
        yield f"{len(to)} recipients, {len(set(to))} different ones"
    if set(variables) != set(to):
        yield "the variables are not those of the recipients"
    if sum(len(name) + len(value) for name, value in form if name[:2] in ("o:", "h:", "v:")) > 16_000:
        yield "options of more than 16 kB"
    used = {name for value in fields.values() for name in re.findall(r"%recipient\.([a-z_]+)%", value)}
    if any(used - set(values) for values in variables.values()):
        yield "a variable that somebody lacks"
    if fields["o:tracking"] != "no":
        yield "tracking is on"


def _judge_ses(payload: Any) -> Iterator[str]:
    message = email.message_from_bytes(base64.b64decode(payload["Content"]["Raw"]["Data"]), policy=default)
    if message.defects or payload["Destination"]["ToAddresses"] != [address_of(str(message["To"]))]:
        yield "a message that is not to the one it goes to"
    if any(not _ID.fullmatch(tag["Name"]) or not _ID.fullmatch(tag["Value"]) for tag in payload["EmailTags"]):
        yield "a tag that SES does not take"


POSTMARK = Service(
    name="postmark",
    settings={"server_token": KEY},
    secrets=(KEY,),
    path="/email/batch",
    headers={"X-Postmark-Server-Token": KEY, "Content-Type": "application/json"},
    usual=_postmark_usual,
    recipients=lambda request: [address_of(message["To"]) for message in request.payload],
    judge=_judge_postmark,
)
RESEND = Service(
    name="resend",
    settings={"api_key": KEY},
    secrets=(KEY,),
    path="/emails",
    headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    usual=lambda request: says(200, {"id": f"M{request.number}"}),
    recipients=lambda request: [address_of(to) for to in request.payload["to"]],
    judge=_judge_resend,
    key="idempotency-key",
)
_LOGIN = base64.b64encode(f"api:{KEY}".encode()).decode()
MAILGUN = Service(
    name="mailgun",
    settings={"api_key": KEY, "domain": "mg.news.example"},
    secrets=(KEY, _LOGIN),
    path="/v3/mg.news.example/messages",
    headers={"Authorization": f"Basic {_LOGIN}", "Content-Type": "application/x-www-form-urlencoded"},
    usual=lambda request: says(200, {"id": f"<M{request.number}@mg.news.example>", "message": "Queued. Thank you."}),
    recipients=lambda request: [address_of(value) for name, value in request.form if name == "to"],
    judge=_judge_mailgun,
)
SES = Service(
    name="ses",
    settings={"region": "eu-central-1", "access_key_id": "canary-id", "secret_access_key": KEY, "configuration_set": "digest"},
    secrets=("canary-id", KEY),
    path="/v2/email/outbound-emails",
    headers={"Content-Type": "application/json"},
    usual=lambda request: says(200, {"MessageId": f"M{request.number}"}),
    recipients=lambda request: list(request.payload["Destination"]["ToAddresses"]),
    judge=_judge_ses,
)
SERVICES = (POSTMARK, RESEND, MAILGUN, SES)
