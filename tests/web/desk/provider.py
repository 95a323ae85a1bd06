"""A provider of OpenID Connect on this machine: small, real, and as faulty as a test wants it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "the-desk", "s3cret of the desk"
Claims = dict[str, Any]


@dataclass(slots=True)
class Provider:
    """What it is asked, and how it answers. `claims` changes what it says, `sign` how it proves that."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    email: str = "eddy@desk.example"
    claims: Callable[[Claims], Claims] = lambda said: said
    sign: Callable[[Provider, Claims], str] | None = None
    document: Claims = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, Claims] = field(default_factory=dict)
    fails: int | None = None
    shown: str = "basic"
    """How it wants the desk to show its secret: `basic`, `post` or `none`."""

    def authorize(self, query: dict[str, str]) -> str:
        """Somebody signs in there: where they are sent back to."""
        assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert set(query["scope"].split()) == {"openid", "email"}
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"nonce": query["nonce"], "challenge": query["code_challenge"], "back": query["redirect_uri"]}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """A code is changed into an ID token, once."""
        head = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        given = {"basic": head, "post": f"{form.get('client_id')}:{form.get('client_secret')}", "none": form.get("client_id")}
        if given[self.shown] != (CLIENT if self.shown == "none" else f"{CLIENT}:{SECRET}"):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if asked is None or asked["challenge"] != proof.decode() or asked["back"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        said = self.claims(self.usual(asked["nonce"]))
        signed = self.sign(self, said) if self.sign else self.signed(said)
        return 200, {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": signed}

    def usual(self, nonce: str) -> Claims:
        """What an honest provider says."""
        now = int(time.time())
        who = {"sub": "7", "email": self.email, "email_verified": True}
        return {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce} | who

    def signed(self, said: Claims) -> str:
        """As an honest provider signs it."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid or ""}, said, self.key)

    def described(self) -> Claims:
        """What it says of itself."""
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.issuer} | {name: self.issuer + path for name, path in paths.items()} | self.document


def by_nothing(provider: Provider, said: Claims) -> str:
    """Signed with `alg: none`."""
    return (_written({"alg": "none", "kid": provider.key.kid}) + b"." + _written(said) + b".").decode()


def by_what_everybody_has(provider: Provider, said: Claims) -> str:
    """Signed by HMAC with the public key, as if that were a secret."""
    head = _written({"alg": "HS256", "kid": provider.key.kid}) + b"." + _written(said)
    proof = hmac.digest(provider.key.as_pem(private=False), head, "sha256")
    return (head + b"." + base64.urlsafe_b64encode(proof).rstrip(b"=")).decode()


def _written(part: Claims) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def by_another(provider: Provider, said: Claims) -> str:
    """Signed with somebody else's key, under the provider's name for its own."""
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid or ""}, said, RSAKey.generate_key(2048))


def by_a_key_that_it_brings(provider: Provider, said: Claims) -> str:
    """Signed with a key that stands in its own head."""
    key = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "jwk": key.as_dict(private=False)}, said, key)


@contextmanager
def a_provider() -> Iterator[Provider]:
    """One that listens on this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if provider.fails is not None:
                self._say(provider.fails, {})
            elif parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._say(302, {}, provider.authorize(query))
            elif parts.path == "/keys":
                self._say(200, {"keys": [provider.key.as_dict(private=False), {"kty": "oct", "k": "AAAA", "kid": "two"}]})
            else:
                self._say(200, provider.described())

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(raw).items()}
            status, said = (provider.fails, {}) if provider.fails else provider.token(form, self.headers["Authorization"] or "")
            self._say(status or 500, said)

        def _say(self, status: int, said: Claims, where: str = "") -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            if where:
                self.send_header("Location", where)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join(5)
