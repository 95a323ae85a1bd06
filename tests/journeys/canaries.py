"""Canaries: a value of its own for every secret that the settings have, whichever they are, and fifty people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr

from digest.settings import Settings
from digest.settings.secrecy import EACH, secret_keys
from digest.settings.variables import variable_of
from digest.testing.webhook_signing import SendGridSigner

PEOPLE = [f"canary{number}@reader{number}.example" for number in range(50)]
_KEYS = [SendGridSigner().key for _ in range(2)]  # those are no words
_CANARY = re.compile("|".join(["canary", *(re.escape(one[40:60]) for one in _KEYS)]), re.IGNORECASE)
_GHOST = "1"  # the source that has a key


def plant(somebody_else: str) -> dict[str, str]:
    """Every secret by the variable that sets it; what is an address leads to `somebody_else`, who repeats what they hear."""
    scheme, _, place = somebody_else.partition("://")
    shaped = {
        "error_reports.dsn": f"{scheme}://canary0of0the0reports@{place}/7",
        "notices.urls": f"{somebody_else}/canary-of-the-notices",
        "providers.sendgrid.webhook_key": _KEYS[0],
        "providers.sendgrid.former_webhook_keys": _KEYS[1],
        "providers.resend.webhook_key": "whsec_" + "canarycanary0000" * 2,
        "providers.resend.former_webhook_keys": "whsec_" + "canarycanary1111" * 2,
        "tracing.headers": "x-api-key=canary-of-the-traces-0123456789",
    }
    found = {}
    for number, path in enumerate(secret_keys(Settings)):
        value = shaped.get(".".join(path), f"canary-{number}-of-secrets-long-enough-for-anything")
        several = get_origin(_annotation(path)) is tuple
        found[variable_of(_GHOST if part == EACH else part for part in path)] = json.dumps([value]) if several else value
    return found


def without_canary(settings: Settings) -> Iterator[str]:
    """The secrets that hold none: what was planted never came there."""
    for path in secret_keys(Settings):
        if not any(_CANARY.search(one) for one in _values(settings, path)):
            yield ".".join(path)


def nothing_stands_in(text: str) -> None:
    """Neither a secret nor an address of somebody's."""
    found = _CANARY.search(text)
    assert found is None, text[max(0, found.start() - 200) : found.end() + 100]


def _annotation(path: tuple[str, ...]) -> Any:
    found: Any = Settings
    for part in path:
        if part == EACH:
            found = get_args(found)[0]
        elif isinstance(found, type) and issubclass(found, BaseModel):
            found = found.model_fields[part].annotation
    return found


def _values(value: Any, path: tuple[str, ...]) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, tuple):
        return [text for one in value for text in _values(one, path[1:] if path[:1] == (EACH,) else path)]
    return [] if value is None or not path else _values(getattr(value, path[0]), path[1:])
