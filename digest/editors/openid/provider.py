"""Providers: where they say that they are asked (OpenID Connect Discovery 1.0). Pure; nothing is believed that is not safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digest.errors import Refused
from digest.settings.openid import may_be_asked

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Provider:
    """Where people are sent to, where a code is changed into their names, and where the keys are. `names_itself`: on the way back it always
    says who it is (RFC 9207)."""

    issuer: str
    authorization: str
    token: str
    keys: str
    by_post: bool
    names_itself: bool


def understand(issuer: str, said: Mapping[str, Any]) -> Provider:
    """The provider of an issuer, as its document describes it; `Refused` where it is another's, or leads somewhere unsafe."""
    if said.get("issuer") != issuer:
        raise Refused(f"editors.oidc.issuer: {issuer} calls itself {said.get('issuer')!r}; write it exactly so")
    found = {name: said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    for name, address in found.items():
        if not isinstance(address, str) or not may_be_asked(address, issuer):
            raise Refused(f"editors.oidc.issuer: the {name} of {issuer} is not an https address")
    methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Provider(
        issuer,
        str(found["authorization_endpoint"]),
        str(found["token_endpoint"]),
        str(found["jwks_uri"]),
        by_post=isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
    )
