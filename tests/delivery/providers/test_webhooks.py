"""Webhooks: what is proved to be a provider's own, and everything else that somebody may post."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sendgrid.helpers.eventwebhook import EventWebhook

from digest.delivery.providers.registry import make_webhook, webhook_names
from digest.delivery.providers.webhook import NotGenuine, Posted, Webhook
from digest.errors import UsageError
from digest.settings import Settings
from digest.testing.specimens import some_settings
from digest.testing.webhook_signing import SendGridSigner, mailgun_body, postmark_headers, resend_headers

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BODY = b'[{"event":"delivered"}]\r\n'
PASSWORD, FORMER = "a-password-that-nobody-guesses", "the-password-of-before-that-one"
SECRET, FORMER_SECRET = "whsec_" + b64encode(b"s" * 24).decode(), "whsec_" + b64encode(b"t" * 24).decode()
TOKEN = "ab12" * 12


def configured(name: str, key: str | None, *former: str) -> Settings:
    """A project with such keys."""
    settings = some_settings()
    table = getattr(settings.providers, name)
    secrets = tuple(SecretStr(one) for one in former)
    keys = {"webhook_key": None if key is None else SecretStr(key), "former_webhook_keys": secrets}
    providers = settings.providers.model_copy(update={name: table.model_copy(update=keys)})
    return settings.model_copy(update={"providers": providers})


def webhook(name: str, key: str, *former: str) -> Webhook:
    made = make_webhook(name, configured(name, key, *former))
    assert made is not None
    return made


def posted(body: bytes, headers: dict[str, str] | None = None) -> Posted:
    return Posted({name.lower(): value for name, value in (headers or {}).items()}, body)


def refused(hook: Webhook, what: Posted, real: datetime = NOW) -> str:
    with pytest.raises(NotGenuine) as raised:
        hook.verify(what, real)
    return str(raised.value)


Signed = Callable[[str, datetime], Posted]
SENDGRID, OTHER = SendGridSigner(), SendGridSigner()
SIGNERS = {SENDGRID.key: SENDGRID, OTHER.key: OTHER}
WAYS: dict[str, tuple[str, str, Signed]] = {
    "sendgrid": (SENDGRID.key, OTHER.key, lambda key, at: posted(BODY, SIGNERS[key].headers(BODY, at))),
    "resend": (SECRET, FORMER_SECRET, lambda key, at: posted(BODY, resend_headers(key, "msg_1", BODY, at))),
    "mailgun": (PASSWORD, FORMER, lambda key, at: posted(mailgun_body(key, TOKEN, {"event": "delivered"}, at))),
    "postmark": (PASSWORD, FORMER, lambda key, at: posted(BODY, postmark_headers(key))),
}
"""Of each provider two keys, and what is posted with one of them at a time."""


@pytest.mark.parametrize("name", WAYS)
def test_what_is_signed_with_the_key_or_a_former_one_is_the_providers(name: str) -> None:
    key, former, signed = WAYS[name]
    assert webhook(name, key).verify(signed(key, NOW), NOW)
    assert webhook(name, former, key).verify(signed(key, NOW), NOW)
    assert refused(webhook(name, key), signed(former, NOW)).endswith("or a former one")


@pytest.mark.parametrize("name", WAYS)
def test_without_a_key_there_is_no_webhook_and_with_one_that_cannot_be_it_is_said(name: str) -> None:
    assert make_webhook(name, configured(name, None)) is None
    assert make_webhook(name, configured(name, None, WAYS[name][0])) is None  # a former key alone opens nothing
    with pytest.raises(UsageError, match=f"providers.{name}.webhook_key, or a former one,"):
        make_webhook(name, configured(name, "short"))


def test_there_are_five_webhooks_and_one_that_is_not_there_is_none() -> None:
    assert webhook_names() == ["mailgun", "postmark", "resend", "sendgrid", "ses"]
    assert make_webhook("smtp", some_settings()) is None
    assert make_webhook("ses", some_settings()) is None


@pytest.mark.parametrize(
    ("name", "lifetime"),
    [("sendgrid", timedelta(hours=25)), ("resend", timedelta(minutes=5)), ("mailgun", timedelta(hours=9))],
)
def test_what_was_signed_too_long_ago_or_in_the_future_is_refused(name: str, lifetime: timedelta) -> None:
    key, _, signed = WAYS[name]
    hook = webhook(name, key)
    assert hook.verify(signed(key, NOW - lifetime), NOW)
    assert hook.verify(signed(key, NOW + timedelta(minutes=5)), NOW)
    assert "too long ago" in refused(hook, signed(key, NOW - lifetime - timedelta(seconds=1)))
    assert "still to come" in refused(hook, signed(key, NOW + timedelta(minutes=5, seconds=1)))


@pytest.mark.parametrize("name", WAYS)
@given(data=st.data())
def test_no_other_body_and_no_other_header_is_taken(name: str, data: st.DataObject) -> None:
    key, _, signed = WAYS[name]
    hook, right = webhook(name, key), signed(key, NOW)
    body, headers = right.body, dict(right.headers)
    part = data.draw(st.sampled_from(["body", *sorted(headers.keys() - {"content-type"})]))
    if part != "body":
        headers[part] = data.draw(st.text(max_size=80) | st.just(headers[part][:-1]) | st.just(headers[part] + "A"))
    elif name in {"sendgrid", "resend"}:  # of the others the body is not signed, or a part of it
        body = data.draw(st.binary(max_size=60))
    changed = Posted(headers, body)
    if changed == right or (
        name == "postmark" and headers["authorization"].strip().lower() == right.headers["authorization"].lower()
    ):
        return
    try:
        hook.verify(changed, NOW)
    except NotGenuine:
        return
    assert name == "postmark" or headers.get("svix-signature", "").startswith(right.headers["svix-signature"])


@pytest.mark.parametrize("name", WAYS)
@given(
    body=st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda one: json.dumps(one).encode())
)
def test_whatever_is_posted_without_a_signature_is_refused_in_words(name: str, body: bytes) -> None:
    assert refused(webhook(name, WAYS[name][0]), posted(body))


def test_sendgrids_own_library_takes_what_we_take_and_its_example_is_taken() -> None:
    """The example is the one in SendGrid's libraries."""
    body = json.dumps([{"event": "open"}]).encode()
    headers = SENDGRID.headers(body, NOW)
    signature, stamp = (headers[f"X-Twilio-Email-Event-Webhook-{name}"] for name in ("Signature", "Timestamp"))
    judge = EventWebhook(SENDGRID.key)
    assert judge.verify_signature(body.decode(), signature, stamp)
    assert not judge.verify_signature(body.decode() + " ", signature, stamp)
    assert webhook("sendgrid", SENDGRID.key).verify(posted(body, headers), NOW) == body


def test_svixs_example_is_taken() -> None:
    """From its page on verifying by hand."""
    headers = {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "svix-timestamp": "1614265330",
        "svix-signature": "v1,nonsense v2,other v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    hook = webhook("resend", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    assert hook.verify(Posted(headers, b'{"test": 2432232314}'), at)
    lent = {name.replace("svix", "webhook"): value for name, value in headers.items()}
    assert hook.verify(Posted(lent, b'{"test": 2432232314}'), at)
    assert refused(hook, Posted(headers, b'{"test": 2432232315}'), at)


def test_of_mailgun_a_token_tells_reports_apart_and_the_accounts_own_signature_does_for_a_subaccount() -> None:
    hook = webhook("mailgun", PASSWORD)
    one, other = (mailgun_body(PASSWORD, TOKEN, {"event": event}, NOW) for event in ("delivered", "complained"))
    assert hook.verify(posted(one), NOW) == hook.verify(posted(other), NOW) == TOKEN.encode()
    message = json.loads(one)
    message["signature"]["parent-signature"] = message["signature"]["signature"]
    message["signature"]["signature"] = "0" * 64
    assert hook.verify(posted(json.dumps(message).encode()), NOW)
    assert "larger than anything" in refused(hook, posted(b" " * (1024 * 1024 + 1)))


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Bearer " + PASSWORD, "Basic " + b64encode(PASSWORD.encode()).decode(), "basic é"]
)
def test_of_postmark_nothing_but_the_password_is_taken(header: str) -> None:
    assert refused(webhook("postmark", PASSWORD), posted(BODY, {"Authorization": header}))


def test_no_refusal_repeats_what_was_posted_or_the_key() -> None:
    for name, (key, former, signed) in WAYS.items():
        right = signed(former, NOW)
        canary: dict[str, Any] = {header: value + "canary" for header, value in right.headers.items()}
        for what in (right, replace(right, headers=canary), Posted({}, b"canary")):
            said = refused(webhook(name, key), what)
            assert "canary" not in said
            assert key not in said
