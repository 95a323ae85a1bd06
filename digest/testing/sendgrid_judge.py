"""What SendGrid's mail/send takes from Digest, stricter than its own description: nothing unknown, nothing over a limit.

`judge_strictly` goes by a schema of our own and the rules that a schema cannot say. `judge_by_openapi` goes by
SendGrid's OpenAPI description, which is lax (unknown keys and an empty `to` pass, top-level `custom_args` is mistyped)
and not part of Digest. Both need `jsonschema`, which only tests do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

MOST_PERSONALIZATIONS = 1000
MOST_BYTES = 10_000
_RESERVED = [
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
]


def _closed(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required.split(), "properties": properties}


_OFF = {"const": False}
_EMAIL = {"type": "string", "pattern": r"^[!-~]+@[!-~]+$", "maxLength": 254}
_STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
_HEADERS = {
    "type": "object",
    "propertyNames": {"pattern": r"^[!-9;-~]+$"},
    "additionalProperties": {"type": "string", "pattern": r"^[ -~]+$", "maxLength": 998},
}

SCHEMA: dict[str, Any] = _closed(
    "personalizations from subject content headers categories tracking_settings",
    **{
        "from": _closed("email", email=_EMAIL, name={"type": "string", "pattern": r"^[ -~]+$"}),
        "reply_to": _closed("email", email=_EMAIL),
        "subject": {"type": "string", "minLength": 1, "pattern": r"^[^\r\n]+$"},
        "content": {
            "type": "array",
            "prefixItems": [
                _closed("type value", type={"const": "text/plain"}, value={"type": "string", "minLength": 1}),
                _closed("type value", type={"const": "text/html"}, value={"type": "string", "minLength": 1}),
            ],
            "minItems": 2,
            "items": False,
        },
        "headers": _HEADERS,
        "categories": {"type": "array", "minItems": 1, "maxItems": 10, "items": {"type": "string", "pattern": r"^[ -~]{1,255}$"}},
        "tracking_settings": _closed(
            "click_tracking open_tracking subscription_tracking",
            click_tracking=_closed("enable enable_text", enable=_OFF, enable_text=_OFF),
            open_tracking=_closed("enable", enable=_OFF),
            subscription_tracking=_closed("enable", enable=_OFF),
        ),
        "personalizations": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_PERSONALIZATIONS,
            "items": _closed(
                "to headers substitutions custom_args",
                to={
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 1,
                    "items": _closed("email", email=_EMAIL, name={"type": "string", "pattern": r"^[^;,\r\n]+$"}),
                },
                headers={**_HEADERS, "required": ["List-Unsubscribe", "List-Unsubscribe-Post"]},
                substitutions=_STRINGS,
                custom_args=_closed(
                    "delivery_id attempt_id",
                    delivery_id={"type": "string"},
                    attempt_id={"type": "string"},
                    seal={"type": "string", "pattern": "^[0-9a-f]{16}$"},
                ),
            ),
        },
    },
)


def judge_strictly(payload: Any) -> Iterator[str]:
    """What is wrong with a payload by Digest's own rules."""
    wrong = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in _validator().iter_errors(payload)]
    yield from wrong
    if wrong:
        return
    personalizations = payload["personalizations"]
    addresses = Counter(personalization["to"][0]["email"].lower() for personalization in personalizations)
    yield from (f"an address stands {count} times" for count in addresses.values() if count > 1)
    if len(json.dumps(payload)) > 30_000_000:
        yield "the request is larger than 30 MB"
    content = [part["value"] for part in payload["content"]]
    for number, personalization in enumerate(personalizations):
        yield from (f"personalizations.{number}: {words}" for words in _wrong_with(personalization, content))
    names = {name.lower() for part in (payload, *personalizations) for name in part["headers"]}
    yield from (f"the header {name} is SendGrid's own" for name in sorted(names & set(_RESERVED)))


def judge_by_openapi(description: Path) -> Callable[[Any], Iterator[str]]:
    """A judge that goes by SendGrid's own description, `tsg_mail_v3.json`."""
    document = json.loads(description.read_text("utf-8"))
    body = document["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    validator = _jsonschema().Draft202012Validator({**body, "components": document["components"]})

    def judge(payload: Any) -> Iterator[str]:
        for error in validator.iter_errors(payload):
            yield f"SendGrid's description: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"

    return judge


def _wrong_with(personalization: dict[str, Any], content: list[str]) -> Iterator[str]:
    substitutions, arguments = personalization["substitutions"], personalization["custom_args"]
    if _size(substitutions) > MOST_BYTES:
        yield "more than 10,000 bytes of substitutions"
    if _size(arguments) >= MOST_BYTES:
        yield "10,000 bytes of custom_args or more"
    if not personalization["headers"]["List-Unsubscribe"].startswith("<https://"):
        yield "List-Unsubscribe does not begin with an https URI"
    for tag in substitutions:
        if not any(tag in text for text in content):
            yield f"the tag {tag} stands in no content"
        if any(tag in value for value in substitutions.values()):
            yield f"the tag {tag} stands in a value"


def _size(values: dict[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in values.items())


@cache
def _validator() -> Any:
    return _jsonschema().Draft202012Validator(SCHEMA)


def _jsonschema() -> Any:
    """Imported by its name: it is there in tests alone, and no dependency of Digest."""
    return import_module("jsonschema")
