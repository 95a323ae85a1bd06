"""The keys of services: there, and such that a header can carry them; else an error that names the variable and not the key."""

from __future__ import annotations

import re

from pydantic import SecretStr

from digest.errors import UsageError


def read_key(secret: SecretStr | None, service: str, what: str, variable: str) -> str:
    """The key in `secret`; `UsageError` when there is none, or none that a header can carry."""
    key = secret.get_secret_value().strip() if secret else ""
    if not key:
        raise UsageError(f"{service} needs {what}: set {variable} in the environment or in .env")
    if not re.fullmatch(r"[!-~]+", key):
        raise UsageError(f"{what} in {variable} has a space or a character outside ASCII: copy it again")
    return key
