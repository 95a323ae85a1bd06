"""What we post, beside what django-anymail would post for the same mail: field by field, for each API that it knows.

It only judges, and is a development's dependency. What we leave out or add on purpose is named in each test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import getaddresses
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.mail import EmailMultiAlternatives

from digest.delivery.providers.registry import find_provider
from digest.delivery.providers.sendgrid_request import build_request
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope
from digest.rendering.list_headers import list_headers
from digest.rendering.rendition import Rendition
from digest.testing.service_stubs import MAILGUN, POSTMARK, RESEND, Service
from digest.testing.specimens import DATE, a_rendition, an_envelope, some_settings

READERS = [an_envelope(1, name='Ada "the Countess", Lovelace'), an_envelope(2, name="Größe"), an_envelope(3)]
SENDERS = ["Example News", "Größe & Café, Ltd."]


@pytest.fixture(scope="module", autouse=True)
def django() -> None:
    """Django wants to be configured before anything of it is used; anymail needs nothing of it."""
    if not django_settings.configured:
        django_settings.configure(USE_TZ=True, DEFAULT_CHARSET="utf-8")


def theirs(backend: str, message: EmailMultiAlternatives, **options: Any) -> Any:
    """The body that anymail's backend would post: parsed JSON, or a form's fields."""
    maker = import_module(f"anymail.backends.{backend}").EmailBackend(**options)
    payload = maker.build_message_payload(message, maker.send_defaults)
    data = payload.get_request_params(maker.api_url)["data"]
    return json.loads(data) if isinstance(data, str) else data


def ours(service: Service, rendition: Rendition, *envelopes: Envelope) -> Any:
    provider = find_provider(service.name, some_settings(providers={service.name: dict(service.settings)}))
    (request,) = provider.describe(rendition, envelopes, DATE)
    return request.get("json") or request["form"]


def a_message(rendition: Rendition, envelope: Envelope, headers: Mapping[str, str] | None = None) -> EmailMultiAlternatives:
    """The mail of one reader as a Django project would write it."""
    html, text = fill(rendition, envelope.personal)
    sender = rendition.sender
    message = EmailMultiAlternatives(
        rendition.subject,
        text,
        _party(sender.name, sender.address),
        [_party(envelope.name, envelope.address)],
        reply_to=[sender.reply_to] if sender.reply_to else None,
        headers=dict(headers if headers is not None else list_headers(rendition, envelope)),
    )
    message.attach_alternative(html, "text/html")
    message.track_opens = message.track_clicks = False
    return message


def people(value: str | Iterable[str]) -> list[tuple[str, str]]:
    """Names and addresses, however they were quoted or encoded."""
    found = getaddresses([value] if isinstance(value, str) else list(value))
    return [(str(make_header(decode_header(name))), address) for name, address in found]


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _party(name: str | None, address: str) -> str:
    return '"{}" <{}>'.format(name.replace('"', '\\"'), address) if name else address


def ids(envelope: Envelope) -> dict[str, str]:
    return {"delivery_id": envelope.delivery_id, "attempt_id": envelope.attempt_id, "seal": "0123456789abcdef"}


def sealed(envelope: Envelope) -> Envelope:
    return replace(envelope, seal="0123456789abcdef")


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("envelope", READERS)
def test_postmark(envelope: Envelope, sender: str) -> None:
    rendition = a_rendition(sender_name=sender)
    message = a_message(rendition, envelope)
    message.metadata, message.tags = ids(envelope), [rendition.issue]
    expected = theirs("postmark", message, server_token="x", message_stream="broadcast")
    (found,) = ours(POSTMARK, rendition, sealed(envelope))
    assert people(found.pop("From")) == people(expected.pop("From"))
    assert people(found.pop("To")) == people(expected.pop("To"))
    for body in (found, expected):
        body["Headers"] = lowered({header["Name"]: header["Value"] for header in body["Headers"]})
    assert found == expected


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("envelope", READERS)
def test_resend(envelope: Envelope, sender: str) -> None:
    """Anymail puts metadata into headers, which every reader's server sees; ours are tags, which come back with events."""
    rendition = a_rendition(sender_name=sender)
    message = a_message(rendition, envelope)
    message.track_opens = message.track_clicks = None  # Resend has no such switch for one mail
    expected = theirs("resend", message, api_key="x")
    found = ours(RESEND, rendition, sealed(envelope))
    assert found.pop("tags") == [{"name": name, "value": value} for name, value in ids(envelope).items() if name != "attempt_id"]
    for body in (found, expected):
        body["from"], body["to"] = people(body["from"]), people(body["to"])
        body["headers"] = lowered(body["headers"])
    assert found == expected


@pytest.mark.parametrize("sender", SENDERS)
def test_mailgun(sender: str) -> None:
    """The same form, but that our bodies' variables have names of their own."""
    rendition = a_rendition(sender_name=sender)
    readers = [sealed(envelope) for envelope in READERS]
    message = a_message(rendition, readers[0], {})
    message.to = [_party(envelope.name, envelope.address) for envelope in readers]
    message.tags = [rendition.issue]
    shared = list_headers(rendition, readers[0])
    shared.pop("List-Unsubscribe")
    message.extra_headers = shared
    message.merge_metadata = {envelope.address: ids(envelope) for envelope in readers}
    message.merge_headers = {
        envelope.address: {"List-Unsubscribe": f"<{envelope.personal.unsubscribe_url}>"} for envelope in readers
    }
    expected = theirs("mailgun", message, api_key="x", sender_domain="mg.news.example")
    form = ours(MAILGUN, rendition, *readers)
    found = {name: value for name, value in form if name != "to"}
    assert people(found.pop("from")) == people(expected.pop("from"))
    assert people(value for name, value in form if name == "to") == people(expected.pop("to"))
    assert [found.pop("o:tag")] == expected.pop("o:tag")
    assert filled_in(found, READERS[1].address) == filled_in(expected, READERS[1].address) | {
        "text": fill(rendition, READERS[1].personal)[1],
        "html": fill(rendition, READERS[1].personal)[0],
        "o:tracking": "no",
    }


def filled_in(form: dict[str, Any], address: str) -> dict[str, Any]:
    """A form as Mailgun would carry it to one reader, by what it documents of its variables."""
    variables = json.loads(form["recipient-variables"])[address]
    done = {}
    for name, value in form.items():
        for variable, text in variables.items():
            value = value.replace(f"%recipient.{variable}%", text)
        done[name.lower()] = value
    del done["recipient-variables"]
    return done


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
def test_sendgrid() -> None:
    """Anymail lists who is replied to, and has no substitutions of ours; everything else stands where it puts it."""
    rendition = a_rendition()
    readers = [sealed(envelope) for envelope in (READERS[1], READERS[2])]
    message = a_message(rendition, readers[0], {})
    message.to = [_party(envelope.name, envelope.address) for envelope in readers]
    message.tags = [rendition.issue]
    shared = list_headers(rendition, readers[0])
    one_click = {name: shared.pop(name) for name in ("List-Unsubscribe", "List-Unsubscribe-Post")}
    message.extra_headers = shared
    message.merge_metadata = {envelope.address: ids(envelope) for envelope in readers}
    message.merge_headers = {
        envelope.address: one_click | {"List-Unsubscribe": f"<{envelope.personal.unsubscribe_url}>"} for envelope in readers
    }
    message.esp_extra = {"tracking_settings": {"subscription_tracking": {"enable": False}}}
    expected = theirs("sendgrid", message, api_key="x", generate_message_id=False)
    found = json.loads(json.dumps(build_request(rendition, readers)))
    assert found["personalizations"][0].pop("substitutions")
    assert found["personalizations"][1].pop("substitutions")
    found["reply_to_list"] = [found.pop("reply_to")]
    for body in (found, expected):
        body["content"] = [part["type"] for part in body["content"]]
        body["tracking_settings"]["click_tracking"] = body["tracking_settings"]["click_tracking"]["enable"]
        body["headers"] = lowered(body["headers"])
        for personalization in body["personalizations"]:
            personalization["headers"] = lowered(personalization["headers"])
    assert found == expected
