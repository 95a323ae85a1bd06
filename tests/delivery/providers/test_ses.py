"""Amazon SES's own, judged by botocore's model of it: the request, the signature, the endpoints; its answers and its reports."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import MetadataRetrievalError
from botocore.validate import ParamValidator

from digest.delivery.event import Cause, Kind
from digest.delivery.providers import http_line
from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.http_answer import ACCEPTED, ACCOUNT, CONTENT, REJECTED, THROTTLED, UNKNOWN, HttpAnswer, Meaning
from digest.delivery.providers.http_line import Limits, Line
from digest.delivery.providers.ses import PATH, Ses, endpoint
from digest.delivery.providers.ses_answers import NAMES, read_answer
from digest.delivery.providers.ses_events import KINDS, read_events
from digest.delivery.providers.wire import Deadline, Wire, dial
from digest.errors import UsageError
from digest.rendering.mime import MessageBuilder
from digest.testing.http_stub import HttpStub
from digest.testing.service_stubs import KEY, SES, says
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of this machine, and nobody asked for any."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


def provider(url: str | None = "http://127.0.0.1:1", **table: Any) -> Ses:
    return Ses(some_settings(providers={"ses": {**SES.settings, "host": url, **table}}))


def client(region: str, session: Session | None = None) -> Any:
    return (session or Session()).client("sesv2", region_name=region, aws_access_key_id="x", aws_secret_access_key="y")


@pytest.fixture
def taken() -> Iterator[HttpStub]:
    """A stub that has taken one message."""
    with SES.stub() as stub, closing(provider(stub.url).open()) as transport:
        assert transport.send(a_rendition(), [an_envelope()], DATE).outcomes == (Outcome.ACCEPTED,)
        yield stub


def test_the_request_is_what_botocores_model_of_send_email_wants(taken: HttpStub) -> None:
    (request,) = taken.requests
    operation = client("eu-central-1").meta.service_model.operation_model("SendEmail")
    assert (request.method, request.path) == (operation.http["method"], operation.http["requestUri"])
    given = json.loads(request.body)
    data = base64.b64decode(given["Content"]["Raw"]["Data"], validate=True)
    given["Content"]["Raw"]["Data"] = data
    report = ParamValidator().validate(given, operation.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert set(given) <= set(operation.input_shape.members)


def test_botocore_would_write_the_same_body(taken: HttpStub) -> None:
    written: list[bytes] = []
    amazon = client("eu-central-1")
    amazon.meta.events.register("before-sign.sesv2.SendEmail", lambda request, **_: written.append(request.body))
    amazon.meta.events.register("before-send.sesv2.SendEmail", _no_sending)
    given = json.loads(taken.requests[0].body)
    given["Content"]["Raw"]["Data"] = base64.b64decode(given["Content"]["Raw"]["Data"])
    with pytest.raises(RuntimeError, match="not sent"):
        amazon.send_email(**given)
    assert json.loads(written[0]) == taken.requests[0].payload


def _no_sending(**_: Any) -> None:
    raise RuntimeError("not sent")


def test_the_message_is_byte_for_byte_what_smtp_would_carry(taken: HttpStub) -> None:
    message = base64.b64decode(taken.requests[0].payload["Content"]["Raw"]["Data"])
    assert message == MessageBuilder(a_rendition()).build(an_envelope(), DATE)


def test_the_signature_covers_what_arrived(taken: HttpStub) -> None:
    (request,) = taken.requests
    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: request.headers[name] for name in names}
    again = AWSRequest(method="POST", url=taken.url + request.path, data=request.body, headers=headers)
    again.context["timestamp"] = request.headers["x-amz-date"]
    judge = SigV4Auth(Credentials("canary-id", KEY), "ses", "eu-central-1")
    signature = judge.signature(judge.string_to_sign(again, judge.canonical_request(again)), again)
    assert request.headers["authorization"].endswith(f"Signature={signature}")
    assert "host" in names


def test_a_usual_port_is_not_named_in_host_which_signatures_cover(
    server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SES.stub(tls=server_tls, judges=[]) as stub:

        def to_the_stub(host: str, port: int, deadline: Deadline) -> Wire:
            assert (host, port) == ("email.eu-central-1.amazonaws.com", 443)
            return dial("127.0.0.1", stub.port, deadline)

        monkeypatch.setattr(http_line, "dial", to_the_stub)
        line = Line("https://email.eu-central-1.amazonaws.com", ssl._create_unverified_context)
        line.call(PATH, b"{}", {"Content-Type": "application/json"}, Limits(Deadline(20), Deadline(20), timedelta(seconds=20)))
        line.close()
    assert stub.requests[0].headers["host"] == "email.eu-central-1.amazonaws.com"


def test_the_endpoint_of_every_region_is_botocores() -> None:
    session = Session()  # one: each reads botocore's models anew
    regions = [*session.get_available_regions("sesv2"), *session.get_available_regions("sesv2", "aws-cn")]
    assert len(regions) > 10
    for region in regions:
        assert endpoint(region) == client(region, session).meta.endpoint_url
        assert provider(None, region=region).base_url == endpoint(region)


ROWS: list[tuple[int, str, str, Meaning]] = [
    (200, "", "", UNKNOWN),
    (400, "BadRequestException", "something", CONTENT),
    (400, "BadRequestException", "Invalid: Ann@X.example", REJECTED),
    (400, "MessageRejected", "contains a virus", CONTENT),
    (400, "MessageRejected", "Email address is not verified. They failed: ann@x.example", ACCOUNT),
    (400, "AccountSuspendedException", "", ACCOUNT),
    (400, "SendingPausedException", "", ACCOUNT),
    (400, "MailFromDomainNotVerifiedException", "", ACCOUNT),
    (400, "LimitExceededException", "", THROTTLED),
    (400, "ThrottlingException", "", THROTTLED),
    (400, "Throttling", "", THROTTLED),
    (400, "ValidationException", "", CONTENT),
    (403, "InvalidSignatureException", "", ACCOUNT),
    (403, "ExpiredTokenException", "", ACCOUNT),
    (403, "AccessDeniedException", "", ACCOUNT),
    (404, "NotFoundException", "", ACCOUNT),
    (413, "RequestEntityTooLarge", "", CONTENT),
    (429, "TooManyRequestsException", "", THROTTLED),
    (500, "InternalFailure", "", UNKNOWN),
    (503, "TooManyRequestsException", "", UNKNOWN),
]


@pytest.mark.parametrize(("status", "name", "message", "meaning"), ROWS)
def test_each_answer_is_what_the_table_says(status: int, name: str, message: str, meaning: Meaning) -> None:
    body = json.dumps({"message": message}).encode()
    for headers in ({"x-amzn-errortype": f"{name}:http://internal.amazon.com/"}, {"x-amzn-errortype": f"aws.sesv2#{name}"}):
        assert read_answer(HttpAnswer(status, headers, body), "ann@x.example", NOW).meaning == meaning
    told = json.dumps({"__type": name, "message": message}).encode()
    assert read_answer(HttpAnswer(status, {}, told), "ann@x.example", NOW).meaning == meaning


def test_every_error_that_botocore_knows_of_has_its_row_here() -> None:
    known = {error.name for error in client("eu-central-1").meta.service_model.operation_model("SendEmail").error_shapes}
    assert known | set(NAMES) <= {name for _, name, *_ in ROWS}
    assert known <= set(NAMES)


def test_an_id_is_what_makes_a_200_an_acceptance() -> None:
    assert read_answer(HttpAnswer(200, body=b'{"MessageId": "M"}'), "a@b", NOW).meaning == ACCEPTED


def test_a_service_that_is_busy_is_asked_once() -> None:
    with SES.stub(lambda _: says(503, {})) as stub, closing(provider(stub.url).open()) as transport:
        transport.send(a_rendition(), [an_envelope()], DATE)
    assert len(stub.requests) == 1


def test_tags_carry_the_ids_and_tracking_is_off() -> None:
    (request,) = provider().describe(a_rendition(), [an_envelope()], DATE)
    assert request["json"]["EmailTags"] == [
        {"Name": "delivery_id", "Value": "d0000000001"},
        {"Name": "attempt_id", "Value": "a0000000001"},
    ]
    assert request["json"]["ConfigurationSetName"] == "digest"
    off = {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
    assert request["json"]["ConfigurationOverrides"] == {"Tracking": off}
    assert len(provider().describe(a_rendition(), envelopes(3), DATE)) == 3


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"region": None}, "set providers.ses.region, such as eu-central-1, or DIGEST_PROVIDERS__SES__REGION"),
        ({"region": "Frankfurt"}, 'providers.ses.region is "Frankfurt", which is no region of AWS'),
        ({"region": "eu-central-1.evil.example/"}, "which is no region of AWS"),
        ({"access_key_id": None, "secret_access_key": None}, "Amazon SES needs an access key: set"),
    ],
)
def test_what_is_missing_is_named(table: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        provider(**table)
    assert words in str(caught.value)


def test_without_a_key_of_its_own_awss_usual_places_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    found = provider(access_key_id=None, secret_access_key=None)
    request = found.build(a_rendition(), [an_envelope()], DATE)
    assert "Credential=from-the-environment/" in request.headers["Authorization"]
    assert request.headers["X-Amz-Security-Token"] == "token"


def test_credentials_that_cannot_be_had_just_now_mean_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Any) -> None:
        raise MetadataRetrievalError(error_msg="no answer")

    with SES.stub() as stub, closing(provider(stub.url).open()) as transport:
        monkeypatch.setattr(Credentials, "get_frozen_credentials", gone)
        answer = transport.send(a_rendition(), [an_envelope()], DATE)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)
    assert answer.text.startswith("AWS gave no credentials: ")
    assert stub.requests == []


IDS = {"delivery_id": ["0123456789abcdef" * 2], "attempt_id": ["2"], "seal": ["0123456789abcdef"], "ses:operation": ["SendEmail"]}
AT = "2026-11-23T09:00:00.000Z"


def record(kind: str, tags: Any = IDS, **told: Any) -> dict[str, Any]:
    mail = {"timestamp": AT, "messageId": "EXAMPLE-1", "destination": ["ann@x.example"], "tags": tags}
    place = KINDS[kind][1] if kind in KINDS else ""
    return {"eventType": kind, "mail": mail, **({place: {"timestamp": AT, **told}} if place else told)}


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, (kind, _) in KINDS.items()])
def test_each_documented_kind_has_its_word(name: str, kind: Kind) -> None:
    (event,) = read_events([record(name)]).events
    assert (event.kind, event.occurred_at, event.attempt) == (kind, NOW, 2)
    assert (event.delivery_id, event.seal, event.provider_message_id) == (IDS["delivery_id"][0], IDS["seal"][0], "EXAMPLE-1")


def test_sns_puts_a_record_into_an_envelope() -> None:
    wrapped = {"Type": "Notification", "Message": json.dumps(record("Delivery"))}
    assert read_events([wrapped]).events == read_events([record("Delivery")]).events


@pytest.mark.parametrize(
    ("bounce", "cause"), [("Permanent", Cause.BOUNCED), ("Transient", Cause.BLOCKED), ("Undetermined", Cause.OTHER)]
)
def test_only_a_permanent_bounce_is_a_hard_one(bounce: str, cause: Cause) -> None:
    reader = {"emailAddress": "ann@x.example", "diagnosticCode": "smtp; 550 ann@x.example unknown"}
    (event,) = read_events([record("Bounce", bounceType=bounce, bouncedRecipients=[reader])]).events
    assert (event.kind, event.reason, event.words) == (Kind.BOUNCED, cause, "smtp; 550 <address> unknown")


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ("MailboxFull", Cause.OTHER),
        ("MessageTooLarge", Cause.OTHER),
        ("CustomTimeoutExceeded", Cause.TIMED_OUT),
        ("General", Cause.BLOCKED),
        ("ContentRejected", Cause.BLOCKED),
    ],
)
def test_a_transient_bounce_counts_when_it_lasts_where_it_says_something_of_the_address(more: str, cause: Cause) -> None:
    found = read_events(
        [
            record("Bounce", bounceType="Transient", bounceSubType=more),
            record("Bounce", bounceType="Permanent", bounceSubType=more),
        ]
    )
    assert [event.reason for event in found.events] == [cause, Cause.BOUNCED]


def test_what_says_nothing_of_a_delivery_is_counted_and_a_bad_entry_stops_only_itself() -> None:
    ignored = [record("Moon"), record("Send", {}), record("Send", {"delivery_id": ["test-1"]})]
    confirmation = {"Type": "Notification", "Message": "not JSON"}
    bad: list[Any] = [3, {}, confirmation, {"Type": "Notification", "Message": "[]"}, record("Delivery") | {"delivery": {}}]
    read = read_events([*ignored, *bad, record("Open")])
    assert (len(read.events), read.ignored, len(read.faults)) == (1, 3, 5)
