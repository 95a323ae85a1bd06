"""The client: sends people to the provider, and asks it who came back. One for a process: what the provider shows is kept for a while.

Nobody who merely opens pages makes us wait for a provider that is down: one request at a time asks it, and a failure is remembered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from digest.editors.openid.attempt import Attempt
from digest.editors.openid.proof import UnknownKey, proven_email
from digest.editors.openid.provider import WELL_KNOWN, Provider, understand
from digest.errors import Refused, Unreachable
from digest.settings.openid import OpenId

KEPT_FOR = 3600.0
"""Seconds for which the provider's document and keys are kept."""

AGAIN_AFTER = 30.0
"""Seconds after which a provider that was down is asked again, and keys that were not enough are read anew."""

_WITHIN = 5.0
_MOST_BYTES = 256 * 1024
_MOST_EXCHANGES = 2


class Client:
    """This desk, as its provider knows it. `back` is where people come back to; `clock` the process's own, for what is kept."""

    def __init__(self, settings: OpenId, back: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._back, self._clock = settings, back, clock
        self._issuer = settings.issuer or ""
        self._asking, self._exchanging = threading.Lock(), threading.BoundedSemaphore(_MOST_EXCHANGES)
        self._provider: tuple[float, Provider] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None
        self._down_at: float | None = None

    @property
    def name(self) -> str:
        """What people call the provider."""
        return self._settings.name

    def address(self, attempt: Attempt) -> str:
        """Where somebody is sent. `Unreachable` while the provider is down."""
        provider = self._known()
        with self._session(provider) as session:
            address, _ = session.create_authorization_url(
                provider.authorization, state=attempt.state, code_verifier=attempt.verifier, nonce=attempt.nonce
            )
        return str(address)

    def email(self, code: str, issuer: str, attempt: Attempt) -> str:
        """Whom the provider vouches for, when a code is changed into their name. `Refused` where that proves nothing."""
        provider = self._known()
        if issuer != provider.issuer and (issuer or provider.names_itself):
            raise Refused("somebody else than the provider has sent you back; start again")
        if not self._exchanging.acquire(blocking=False):
            raise self._unreachable("others are just being asked for")
        try:
            id_token = self._exchanged(provider, code, attempt)
            try:
                return self._proven(provider, id_token, attempt, self._keys_of(provider, older_than=KEPT_FOR))
            except UnknownKey:
                return self._proven(provider, id_token, attempt, self._keys_of(provider, older_than=AGAIN_AFTER))
        finally:
            self._exchanging.release()

    def _proven(self, provider: Provider, id_token: object, attempt: Attempt, keys: dict[str, Any]) -> str:
        known, at = self._settings.client_id, int(time.time())
        return proven_email(id_token, keys, issuer=provider.issuer, client_id=known, nonce=attempt.nonce, at=at)

    def _exchanged(self, provider: Provider, code: str, attempt: Attempt) -> object:
        """The ID token that a code stands for, once."""
        with self._session(provider) as session:
            try:
                token = session.fetch_token(
                    provider.token,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                    timeout=_WITHIN,
                    allow_redirects=False,
                )
            except AuthlibBaseError as error:
                raise Refused(f"the provider does not know this sign-in any more ({error.error}); start again") from None
            except (requests.RequestException, ValueError) as error:
                raise self._unreachable(type(error).__name__) from None
        return token.get("id_token") if isinstance(token, dict) else None

    def _session(self, provider: Provider | None) -> OAuth2Session:
        secret = self._settings.client_secret
        method = "none" if secret is None else "client_secret_post" if provider and provider.by_post else "client_secret_basic"
        session = OAuth2Session(
            self._settings.client_id,
            None if secret is None else secret.get_secret_value(),
            token_endpoint_auth_method=method,
            scope="openid email",
            redirect_uri=self._back,
            code_challenge_method="S256",
        )
        session.trust_env = False
        return session

    def _known(self) -> Provider:
        """The provider as it describes itself."""
        kept, now = self._provider, self._clock()
        if kept is not None and now - kept[0] < KEPT_FOR:
            return kept[1]
        said = self._read(self._issuer.rstrip("/") + WELL_KNOWN)
        found = understand(self._issuer, said)
        self._provider = (now, found)
        return found

    def _keys_of(self, provider: Provider, *, older_than: float) -> dict[str, Any]:
        """The provider's keys; read anew when those we have are older."""
        kept, now = self._keys, self._clock()
        if kept is not None and now - kept[0] < older_than:
            return kept[1]
        found = self._read(provider.keys)
        self._keys = (now, found)
        return found

    def _read(self, address: str) -> dict[str, Any]:
        """A document of the provider's; `Unreachable` at once while it is known to be down, or somebody else is asking."""
        if self._down_at is not None and self._clock() - self._down_at < AGAIN_AFTER:
            raise self._unreachable("it was down a moment ago")
        if not self._asking.acquire(blocking=False):
            raise self._unreachable("it is just being asked")
        try:
            found = self._fetched(address)
            self._down_at = None
        except (requests.RequestException, ValueError) as error:
            self._down_at = self._clock()
            raise self._unreachable(type(error).__name__) from None
        finally:
            self._asking.release()
        return found

    def _fetched(self, address: str) -> dict[str, Any]:
        with self._session(None) as session:
            answer = session.get(address, withhold_token=True, timeout=_WITHIN, allow_redirects=False, stream=True)
            with answer:
                if answer.status_code != requests.codes.ok:
                    raise ValueError("another status than 200")
                body = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
        found: object = orjson.loads(body) if len(body) <= _MOST_BYTES else None
        if not isinstance(found, dict):
            raise ValueError("no JSON object")
        return found

    def _unreachable(self, why: str) -> Unreachable:
        return Unreachable(f"{self.name} does not answer just now ({why}); try again in a minute, or ask for a link by mail")
