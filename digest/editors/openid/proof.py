"""Proof: whom an ID token names, when it is the provider's, for us, of this attempt, and of now (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from digest.errors import Refused

# Signed with a key of which the provider alone has the private half: no `none`, and no HMAC with what everybody can read.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
_LEEWAY = 60
_LONGEST = 20_000
_KINDS: dict[object, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class UnknownKey(Refused):
    """It is signed with a key that is not among those we have read: the provider may have new ones."""


def proven_email(id_token: object, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, at: int) -> str:
    """The address that the provider says it has verified. `Refused` says what is wrong, and `UnknownKey` that keys may be old."""
    claims = _signed(id_token, keys)
    try:
        _believe(claims, issuer, client_id, nonce, at)
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise _not_proven(str(error)) from None
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise _not_proven("it is of another attempt")
    email = claims.get("email")
    if not isinstance(email, str) or not email:
        raise Refused("the provider names no address: let it give this desk the scope email, within the ID token")
    if claims.get("email_verified") is not True:
        raise Refused("the provider has not verified your address, so nobody knows that it is yours")
    return email


def _believe(claims: dict[str, Any], issuer: str, client_id: str, nonce: str, at: int) -> None:
    wanted = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
    needed = {name: {"essential": True} for name in ("sub", "exp", "iat", "nonce")}
    believed = CodeIDToken(claims, {}, wanted | needed, {"nonce": nonce, "client_id": client_id})
    believed.validate(now=at, leeway=_LEEWAY)


def _signed(id_token: object, keys: Mapping[str, Any]) -> dict[str, Any]:
    """What it says, when one of the provider's keys has signed it."""
    if not isinstance(id_token, str) or len(id_token) > _LONGEST:
        raise _not_proven("there is no ID token")
    try:
        header = jws.extract_compact(id_token.encode()).headers()
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise _not_proven(f"it is no signed token: {error}") from None
    if header.get("alg") not in ALGORITHMS:
        raise _not_proven(f"it is signed by {header.get('alg')!r}, which proves nothing")
    candidates = _candidates(keys, header.get("kid"))
    if not candidates:
        raise UnknownKey("the provider has signed with a key that it does not show")
    for key in candidates:
        try:
            return dict(jwt.decode(id_token, KeySet([key]), algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError):
            continue
    raise _not_proven("none of the provider's keys has signed it")


def _candidates(keys: Mapping[str, Any], kid: object) -> list[Any]:
    """The keys that may have signed it: of that name, or all where it names none."""
    found = []
    for one in keys.get("keys", ()) if isinstance(keys.get("keys"), list) else ():
        if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") not in _KINDS:
            continue
        if kid is not None and one.get("kid") != kid:
            continue
        try:
            found.append(_KINDS[one["kty"]].import_key(one))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found


def _not_proven(why: str) -> Refused:
    return Refused(f"the provider's word cannot be believed: {why}")
