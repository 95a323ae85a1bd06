"""SPF: the record, what it costs receivers, and whom it lets send."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from digest.checks.domain.answers import Status
from digest.checks.domain.services import mailgun, service, smtp
from digest.checks.domain.spf import examine_spf
from digest.checks.domain.spf_record import read_spf
from digest.checks.domain.spf_walk import Result, Walk
from digest.checks.domain.subject import Way
from digest.checks.finding import Finding, Severity
from tests.checks.domain.books import KnownBook, Table, told, worst

DOMAIN = "news.test"
RELAY = smtp(DOMAIN, "relay.test", None)
ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK


def found(*texts: str, way: Way = RELAY, table: Table | None = None) -> list[Finding]:
    """What is said of a domain with these texts, whose relay is at 8.8.8.8."""
    book = KnownBook({DOMAIN: {"TXT": texts}, "relay.test": {"A": ["8.8.8.8"]}, **(table or {})})
    return list(examine_spf(book, DOMAIN, way))


def test_a_record_that_lets_the_relay_send_is_well() -> None:
    assert {one.severity for one in found("other text", "v=spf1 ip4:8.8.8.0/24 -all")} == {OK}


@pytest.mark.parametrize(
    ("texts", "severity", "said"),
    [
        ((), ERROR, "there is no record"),
        (("v=spf10 -all",), ERROR, "there is no record"),
        (("v=spf1 a -all", "v=spf1 mx -all"), ERROR, "there are 2 records"),
        (("v=spf1 ip4:8.8.8.300 -all",), ERROR, "'ip4:8.8.8.300' names no network"),
        (("v=spf1 ip4:::1 -all",), ERROR, "names no network"),
        (("v=spf1 include -all",), ERROR, "'include' is no term of SPF"),
        (("v=spf1 inklude:x.test -all",), ERROR, "is no term of SPF"),
        (("v=spf1 a/33 -all",), ERROR, "prefix that is too long"),
        (("v=spf1 redirect=a.test redirect=b.test",), ERROR, "redirect= stands twice"),
        (("v=spf1 ip4:8.8.8.8 +all",), ERROR, "it ends in +all"),
        (("v=spf1 ip4:8.8.8.8 all",), ERROR, "it ends in +all"),
        (("v=spf1 ip4:8.8.8.8 ?all",), WARNING, "it ends in ?all"),
        (("v=spf1 ip4:8.8.8.8",), WARNING, "it has no all at its end"),
        (("v=spf1 ip4:8.8.8.8 ptr -all",), WARNING, "it uses ptr"),
        (("v=spf1 ip4:9.9.9.9 -all",), WARNING, "its address 8.8.8.8 is not authorised (fail)"),
        (("v=spf1 ip4:9.9.9.9 ~all",), WARNING, "its address 8.8.8.8 is not authorised (softfail)"),
        (("v=spf1 exists:%{i}.x.test -all",), NOTE, "cannot be told from here (untold)"),
        (("v=spf1 include:news.test -all",), ERROR, "it includes itself, by way of news.test → news.test"),
        (("v=spf1 include:gone.test -all",), ERROR, "news.test refers to gone.test, which has no SPF record"),
        (("v=spf1 redirect=gone.test",), ERROR, "news.test refers to gone.test, which has no SPF record"),
    ],
)
def test_what_is_wrong_with_a_record_is_told(texts: tuple[str, ...], severity: Severity, said: str) -> None:
    seen = found(*texts)
    assert worst(seen) is severity
    assert any(one.severity is severity and said in one.what for one in seen), seen
    assert all(one.mend for one in seen if one.severity in {ERROR, WARNING})


def test_ten_look_ups_are_allowed_and_eleven_are_not() -> None:
    table: Table = {f"i{number}.test": {"TXT": ["v=spf1 ip4:8.8.8.8 -all"]} for number in range(11)}
    ten = " ".join(f"include:i{number}.test" for number in range(10))
    assert worst(found(f"v=spf1 {ten} -all", table=table)) is OK
    seen = found(f"v=spf1 {ten} include:i10.test -all", table=table)
    assert (ERROR, "it wants 11 look-ups, and receivers give up after 10") in told(seen)


def test_a_loop_of_includes_is_named_and_ends() -> None:
    table: Table = {
        "a.test": {"TXT": ["v=spf1 include:b.test -all"]},
        "b.test": {"TXT": ["v=spf1 include:a.test -all"]},
    }
    assert (ERROR, "it includes itself, by way of a.test → b.test → a.test") in told(
        found("v=spf1 include:a.test ~all", table=table)
    )


def test_a_record_made_to_be_followed_for_ever_is_given_up() -> None:
    wide = "v=spf1 " + " ".join(f"include:w{number}.test" for number in range(30)) + " -all"
    names = [f"w{number}.test" for number in range(30)]
    table: Table = {name: {"TXT": [wide.replace(f"include:{name} ", "")]} for name in names}
    book = KnownBook({DOMAIN: {"TXT": [wide]}, **table})
    walk = Walk(book)
    walk.check(DOMAIN)
    assert walk.lookups < 50
    assert len(book.questions) < 60
    chain: Table = {f"c{number}.test": {"TXT": [f"v=spf1 include:c{number + 1}.test -all"]} for number in range(5000)}
    walk = Walk(KnownBook(chain))
    walk.check("c0.test")
    assert 10 < walk.lookups < 50


def test_look_ups_that_lead_to_nothing_are_counted() -> None:
    said = "3 of its look-ups lead to nothing, and receivers may give up after 2"
    assert (WARNING, said) in told(found("v=spf1 ip4:8.8.8.8 a:x.test a:y.test mx:z.test -all"))


def test_a_domain_whose_name_servers_fail_is_a_doubt_and_no_fault() -> None:
    assert worst(found(table={DOMAIN: Status.FAILED})) is WARNING
    seen = found("v=spf1 ip4:8.8.8.8 include:sick.test -all", table={"sick.test": Status.SILENT})
    assert worst(seen) is WARNING
    assert any("it could not be followed whole: TXT of sick.test" in one.what for one in seen)


def test_a_relay_on_this_machine_has_no_address_to_judge() -> None:
    for relay in ("localhost", "127.0.0.1", "[::1]", "10.1.2.3"):
        seen = found("v=spf1 ip4:9.9.9.9 -all", way=smtp(DOMAIN, relay, None))
        assert worst(seen) is NOTE


def test_a_service_with_a_return_path_of_its_own_may_do_without_a_record() -> None:
    assert worst(found(way=service("sendgrid", DOMAIN))) is WARNING
    assert worst(found(way=mailgun(DOMAIN))) is ERROR


def test_what_a_service_wants_included_is_named_where_it_is_missing() -> None:
    table: Table = {
        "sendgrid.net": {"TXT": ["v=spf1 ip4:9.9.9.0/24 -all"]},
        "more.test": {"TXT": ["v=spf1 include:sendgrid.net -all"]},
    }
    way = service("sendgrid", DOMAIN)
    seen = found("v=spf1 ip4:8.8.8.8 -all", way=way, table=table)
    assert [(one.severity, one.mend) for one in seen] == [(WARNING, "add include:sendgrid.net")]
    assert worst(found("v=spf1 include:sendgrid.net -all", way=way, table=table)) is OK
    assert worst(found("v=spf1 include:more.test -all", way=way, table=table)) is OK


def test_the_usual_return_path_of_a_service_is_looked_for() -> None:
    table: Table = {"send.news.test": {"TXT": ["v=spf1 ip4:9.9.9.9 -all"]}}
    there = found("v=spf1 -all", way=service("resend", DOMAIN), table=table)
    assert (OK, "Resend's usual return path is there and has an SPF record") in told(there)
    assert worst(found("v=spf1 -all", way=service("resend", DOMAIN))) is NOTE


@pytest.mark.parametrize(
    ("record", "address", "result"),
    [
        ("v=spf1 -all", "1.2.3.4", Result.FAIL),
        ("v=spf1", "1.2.3.4", Result.NEUTRAL),
        ("v=spf1 a -all", "1.1.1.1", Result.PASS),
        ("v=spf1 a/24 -all", "1.1.1.9", Result.PASS),
        ("v=spf1 a:mx.test//64 -all", "2606:4700::9", Result.PASS),
        ("v=spf1 mx -all", "1.1.1.2", Result.PASS),
        ("v=spf1 -mx +all", "1.1.1.2", Result.FAIL),
        ("v=spf1 ip6:2606:4700::/32 -all", "2606:4700::1", Result.PASS),
        ("v=spf1 include:no.test ip4:1.2.3.4 -all", "1.2.3.4", Result.PASS),
        ("v=spf1 include:yes.test -all", "1.2.3.4", Result.PASS),
        ("v=spf1 redirect=yes.test", "1.2.3.4", Result.PASS),
        ("v=spf1 redirect=no.test", "1.2.3.4", Result.FAIL),
        ("v=spf1 exists:%{ir/}.x.test -all", "1.2.3.4", Result.UNTOLD),
        ("v=spf1 ~all redirect=yes.test", "1.2.3.4", Result.SOFTFAIL),
        ("v=spf1 include:sick.test -all", "1.2.3.4", Result.LATER),
        ("V=SPF1 IP4:1.2.3.4 -ALL unknown=modifier exp=why.test", "1.2.3.4", Result.PASS),
    ],
)
def test_the_result_is_the_one_of_the_standard(record: str, address: str, result: Result) -> None:
    book = KnownBook(
        {
            "x.test": {"TXT": [record], "A": ["1.1.1.1"], "MX": ["10 mx.test"]},
            "mx.test": {"A": ["1.1.1.2"], "AAAA": ["2606:4700::1"]},
            "no.test": {"TXT": ["v=spf1 -all"]},
            "yes.test": {"TXT": ["v=spf1 ip4:1.2.3.0/24 ~all"]},
            "sick.test": Status.SILENT,
        }
    )
    assert Walk(book, ip_address(address)).check("x.test") is result


@pytest.mark.parametrize(
    "text", ["v=spf1 \x00", "v=spf1 ü", "v=spf1 =", "v=spf1 ip4:", "v=spf1 a://", "v=spf1 a b" + "x" * 100_000]
)
def test_nonsense_is_refused_in_few_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no term of SPF|names no network") as refused:
        read_spf(text)
    assert len(str(refused.value)) < 120


def test_a_record_of_any_length_is_read() -> None:
    assert len(read_spf("v=spf1 " + "a " * 10_000).terms) == 10_000
