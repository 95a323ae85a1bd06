"""The name server, asked over the wire."""

from __future__ import annotations

import socket

import pytest

from digest.app.name_server import NameServer, Patience, read_server
from digest.checks.domain.answers import Answer, Book, Kind, Status
from digest.checks.finding import Finding, well
from digest.errors import Unreachable, UsageError
from digest.testing.name_server import NameServerStub, Zone

QUICK = Patience(a_try=0.3, a_question=0.5, everything=5.0)


def asked(zone: Zone, name: str, kind: Kind = Kind.TXT, patience: Patience = QUICK) -> tuple[Answer, NameServerStub]:
    """The answer to one question, beside one that is always answered."""
    answers = []

    def examine(book: Book) -> list[Finding]:
        book.ask("here.test", Kind.A)
        answers.append(book.ask(name, kind))
        return []

    with NameServerStub({"here.test": {"A": ["127.0.0.9"]}, **zone}) as server:
        NameServer((server.host, server.port), patience).consult(examine)
    return answers[-1], server


def test_a_text_of_several_strings_is_joined_without_anything_between() -> None:
    answer, _ = asked({"a.test": {"TXT": [("v=DKIM1; p=AB", "CD", "EF")]}}, "a.test")
    assert answer == Answer(Status.FOUND, ("v=DKIM1; p=ABCDEF",))


def test_each_kind_of_record_is_read_as_text() -> None:
    zone: Zone = {"a.test": {"MX": ["10 mx.a.test.", "0 ."], "A": ["192.0.2.1"], "AAAA": ["2001:db8::1"], "PTR": ["Name.Test."]}}
    assert asked(zone, "a.test", Kind.MX)[0].records == ("0 ", "10 mx.a.test")
    assert asked(zone, "a.test", Kind.A)[0].records == ("192.0.2.1",)
    assert asked(zone, "a.test", Kind.AAAA)[0].records == ("2001:db8::1",)
    assert asked(zone, "A.Test.", Kind.PTR)[0].records == ("name.test",)


@pytest.mark.parametrize(
    ("zone", "status"),
    [
        ({}, Status.ABSENT),
        ({"a.test": {"A": ["192.0.2.1"]}}, Status.EMPTY),
        ({"a.test": "SERVFAIL"}, Status.FAILED),
        ({"a.test": "REFUSED"}, Status.FAILED),
        ({"a.test": "SILENCE"}, Status.SILENT),
        ({"a.test": "GARBAGE"}, Status.SILENT),
        ({"a.test": {"CNAME": ["a.test."]}}, Status.FAILED),
    ],
)
def test_what_becomes_of_a_question_is_told(zone: Zone, status: Status) -> None:
    assert asked(zone, "a.test")[0].status is status


def test_an_answer_cut_over_udp_is_fetched_over_tcp() -> None:
    zone: Zone = {"a.test": {"TXT": ["x" * 2000]}, "b.test": "TRUNCATED"}
    answer, server = asked(zone, "a.test")
    assert answer.records == ("x" * 2000,)
    assert ("tcp", "a.test", "TXT") in server.asked
    assert asked(zone, "b.test")[0].status is Status.EMPTY


def test_a_text_as_long_as_a_message_can_be_is_taken_and_a_megabyte_is_not() -> None:
    assert len(asked({"a.test": {"TXT": ["x" * 60_000]}}, "a.test")[0].records[0]) == 60_000
    assert asked({"a.test": "FLOOD"}, "a.test")[0].status in {Status.FAILED, Status.SILENT}


def test_a_chain_of_aliases_is_followed() -> None:
    zone: Zone = {"a.test": {"CNAME": ["b.test."]}, "b.test": {"CNAME": ["c.test."]}, "c.test": {"TXT": ["there"]}}
    assert asked(zone, "a.test")[0].records == ("there",)
    assert asked({"a.test": {"CNAME": ["gone.test."]}}, "a.test")[0].status is Status.ABSENT


def test_what_is_no_name_is_never_asked_for() -> None:
    for name in ("", "a..test", "x" * 64 + ".test", ".".join(["long"] * 60), "a b.test", "a\\000.test", "ü.test"):
        answer, server = asked({}, name)
        assert answer.status is Status.ABSENT
        assert {question[1] for question in server.asked} == {"here.test"}


def test_all_questions_together_end_when_their_time_is_over() -> None:
    zone: Zone = {f"z{number}.test": "SILENCE" for number in range(100)}
    seen: list[Status] = []

    def examine(book: Book) -> list[Finding]:
        seen[:] = [book.ask(name, Kind.TXT).status for name in [*zone, "here.test"]]
        return [well("all", "told")]

    with NameServerStub({"here.test": {"TXT": ["yes"]}, **zone}) as server:
        patience = Patience(a_try=0.2, a_question=0.2, everything=0.5)
        assert NameServer((server.host, server.port), patience).consult(examine) == [well("all", "told")]
        assert len(server.asked) < 60
    assert set(seen[:-1]) == {Status.SILENT}


def test_a_server_that_answers_nothing_is_out_of_reach() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        server = NameServer(held.getsockname(), QUICK)
        with pytest.raises(Unreachable, match="does not answer"):
            server.consult(lambda book: [well("x", str(book.ask("a.test", Kind.TXT)))])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
    ],
)
def test_a_name_server_is_named_by_its_address_and_port(text: str, read: tuple[str, int]) -> None:
    assert read_server(text) == read


@pytest.mark.parametrize(
    "text", ["", "dns.example", "192.0.2.53:0", "192.0.2.53:70000", "https://1.1.1.1/dns-query", "192.0.2.53:x", "[]:53"]
)
def test_what_is_no_address_of_a_name_server_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="--nameserver"):
        read_server(text)
