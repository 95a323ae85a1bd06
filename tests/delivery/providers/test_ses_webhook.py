"""SNS's messages: signed by the certificate that SNS keeps, of our topic, and of now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.catalogue.fetching import Bounds, Page
from digest.delivery.providers.ses_webhook import SesWebhook, make_webhook
from digest.delivery.providers.sns_certificates import Certificates
from digest.delivery.providers.webhook import NotGenuine, Posted
from digest.errors import Unreachable
from digest.testing.specimens import some_settings
from digest.testing.webhook_signing import TOPIC, SnsSigner

NOW = datetime.now(UTC).replace(microsecond=0)
SNS = SnsSigner()
HOST = "https://sns.eu-central-1.amazonaws.com"


def refused(message: object, sns: SnsSigner = SNS, real: datetime = NOW) -> str:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    with pytest.raises(NotGenuine) as raised:
        SesWebhook(sns.topic, sns.fetch).verify(Posted({}, body), real)
    return str(raised.value)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_what_sns_signed_of_our_topic_is_taken_in_both_versions(kind: str, version: str) -> None:
    rest = {} if kind == "Notification" else {"Token": "t" * 64, "SubscribeURL": f"{HOST}/?Action=ConfirmSubscription"}
    message = SNS.message("{}", NOW, kind=kind, version=version, **rest)
    hook = SesWebhook(TOPIC, SNS.fetch)
    assert hook.verify(Posted({}, json.dumps(message).encode()), NOW) == message["MessageId"].encode()
    with_subject = SNS.message("{}", NOW, version=version, Subject="Amazon SES")
    assert hook.verify(Posted({}, json.dumps(with_subject).encode()), NOW)


@pytest.mark.parametrize("part", ["Message", "MessageId", "Timestamp", "Type", "TopicArn", "Signature", "SignatureVersion"])
def test_whatever_is_changed_of_it_it_is_refused(part: str) -> None:
    changed = {"Timestamp": f"{NOW - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}Z", "SignatureVersion": "2", "Signature": "AAAA"}
    assert refused(SNS.message("{}", NOW) | {part: changed.get(part, "other")})
    assert refused({name: text for name, text in SNS.message("{}", NOW).items() if name != part})
    assert refused(SNS.message("{}", NOW) | {part: 7})


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil.example/https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        f"{HOST}:444/SimpleNotificationService-0123456789abcdef.pem",
        f"{HOST}/other.pem",
        f"{HOST}/../SimpleNotificationService-0123456789abcdef.pem",
        f"{HOST}/bucket/SimpleNotificationService-0123456789abcdef.pem",
        "https://[",
        "",
    ],
)
def test_a_certificate_is_fetched_from_sns_in_our_region_and_from_nowhere_else(address: str) -> None:
    sns = SnsSigner()
    assert "certificate that is not kept by sns.eu-central-1" in refused(
        sns.message("{}", NOW) | {"SigningCertURL": address}, sns
    )
    assert sns.asked == []


def test_of_an_address_nothing_counts_but_its_path() -> None:
    sns = SnsSigner()
    message = sns.message("{}", NOW) | {"SigningCertURL": sns.address + "?x=1#y"}
    assert SesWebhook(TOPIC, sns.fetch).verify(Posted({}, json.dumps(message).encode()), NOW)
    assert sns.asked == [sns.address]


def test_another_topic_is_refused_before_anything_is_fetched() -> None:
    other = SnsSigner(TOPIC + "-of-somebody")
    with pytest.raises(NotGenuine, match="another topic"):
        SesWebhook(TOPIC, other.fetch).verify(Posted({}, other.notification({}, NOW)), NOW)
    assert other.asked == []


def test_a_stranger_with_a_certificate_of_their_own_is_refused() -> None:
    stranger = SnsSigner()
    with pytest.raises(NotGenuine, match="not signed by SNS"):
        SesWebhook(TOPIC, SNS.fetch).verify(Posted({}, stranger.notification({}, NOW)), NOW)


def test_a_certificate_whose_time_is_over_proves_nothing() -> None:
    old = SnsSigner(certified_until=NOW - timedelta(seconds=1))
    assert "whose time is over" in refused(json.loads(old.notification({}, NOW)), old)


def test_what_is_stale_or_of_the_future_or_of_no_time_is_refused() -> None:
    assert "too long ago" in refused(SNS.notification({}, NOW - timedelta(hours=3)))
    assert "still to come" in refused(SNS.notification({}, NOW + timedelta(hours=1)))
    for text in ("", "yesterday", "9999-12-31T23:59:59-23:59"):
        assert refused(SNS.message("{}", NOW) | {"Timestamp": text})


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b'{"Type": []}', b'{"eventType": "Delivery"}', b"[" * 100_000, b"\xff", b" " * 1_048_577]
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    assert refused(body)


def test_a_certificate_is_fetched_once_and_whoever_makes_addresses_up_is_not_followed_without_end() -> None:
    sns, clock = SnsSigner(), [0.0]
    kept = Certificates(sns.fetch, lambda: clock[0])
    for _ in range(3):
        assert not kept.signed(sns.address, "1", b"x", b"y", NOW)
    assert len(sns.asked) == 1
    for number in range(20):
        with pytest.raises(NotGenuine):
            kept.signed(f"{HOST}/SimpleNotificationService-{number:032}.pem", "1", b"x", b"y", NOW)
    assert len(sns.asked) == 6
    clock[0] = 61.0
    with pytest.raises(NotGenuine, match="out of reach"):
        kept.signed(f"{HOST}/SimpleNotificationService-{0:032}.pem", "1", b"x", b"y", NOW)
    assert not kept.signed(sns.address, "2", b"x", b"y", NOW)  # what was kept is still there


def test_what_is_no_certificate_is_none() -> None:
    def fetch(url: str, *, bounds: Bounds) -> Page:
        return Page(url, b"<html>", "text/html")

    with pytest.raises(NotGenuine, match="certificate that is none"):
        Certificates(fetch).signed("https://x", "1", b"", b"", NOW)


def confirmation(**rest: str) -> bytes:
    parts = {"Token": "2336412f37" * 8, "SubscribeURL": "https://evil.example/"} | rest
    return json.dumps(SNS.message("You have chosen to subscribe", NOW, kind="SubscriptionConfirmation", **parts)).encode()


def test_a_subscription_is_confirmed_at_sns_itself_whatever_address_the_message_names() -> None:
    sns = SnsSigner()
    hook = SesWebhook(TOPIC, sns.fetch)
    assert hook.act(confirmation())
    (asked,) = sns.asked
    assert asked.startswith(f"{HOST}/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A")
    assert asked.endswith("&Token=" + "2336412f37" * 8)
    assert not hook.act(SNS.notification({}, NOW))
    with pytest.raises(ValueError, match="no token"):
        hook.act(confirmation(Token="a&Action=DeleteTopic"))
    with pytest.raises(ValueError, match="has ended the subscription"):
        hook.act(confirmation().replace(b'"SubscriptionConfirmation"', b'"UnsubscribeConfirmation"'))


def test_a_confirmation_that_sns_does_not_answer_is_out_of_reach() -> None:
    def fetch(url: str, *, bounds: Bounds) -> Page:
        raise Unreachable("away")

    with pytest.raises(Unreachable):
        SesWebhook(TOPIC, fetch).act(confirmation())


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        ("arn:aws:sns:eu-central-1:123456789012:digest", "sns.eu-central-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:digest", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:digest", "sns.us-gov-west-1.amazonaws.com"),
    ],
)
def test_the_host_is_that_of_the_topics_region(topic: str, host: str) -> None:
    settings = some_settings()
    ses: Any = settings.providers.ses.model_copy(update={"topic_arn": topic})
    hook = make_webhook(settings.model_copy(update={"providers": settings.providers.model_copy(update={"ses": ses})}))
    assert hook is not None
    message = SnsSigner(topic).message("{}", NOW) | {"SigningCertURL": ""}
    with pytest.raises(NotGenuine, match=f"not kept by {host}$"):
        hook.verify(Posted({}, json.dumps(message).encode()), NOW)
