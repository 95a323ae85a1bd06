"""DMARC: the record, its policy, its reports, and alignment."""

from __future__ import annotations

import pytest

from digest.checks.domain.answers import Status
from digest.checks.domain.dmarc import examine_dmarc, policy_of
from digest.checks.domain.dmarc_record import organisational_domain, walk_up
from digest.checks.domain.services import mailgun, service, smtp
from digest.checks.domain.subject import PublicKey, SigningKey, Subject, Way
from digest.checks.finding import Finding, Severity
from tests.checks.domain.books import KnownBook, Table, told, worst

ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
GOOD = "v=DMARC1; p=reject; rua=mailto:reports@pub.test"


def signing(domain: str) -> Way:
    return smtp("news.pub.test", "relay.test", SigningKey(domain, "s", PublicKey(1 << 2047, 65537)))


def found(*texts: str, above: str = "", way: Way | None = None, table: Table | None = None) -> list[Finding]:
    whole: Table = {"_dmarc.news.pub.test": {"TXT": texts}, "_dmarc.pub.test": {"TXT": [above] if above else []}, **(table or {})}
    subject = Subject("news.pub.test", None, (way or signing("news.pub.test"),))
    return list(examine_dmarc(KnownBook(whole), subject))


def test_an_enforced_policy_with_reports_and_an_aligned_signature_is_well() -> None:
    assert told(found(GOOD.replace("@pub.test", "@news.pub.test"))) == [
        (OK, "policy reject"),
        (OK, "the signature of news.pub.test aligns, and so does the return path"),
    ]


def test_the_policy_of_the_organisational_domain_holds_below_it() -> None:
    assert (OK, "policy reject (of pub.test)") in told(found(above=GOOD))
    assert (OK, "policy quarantine (of pub.test)") in told(found(above=GOOD + "; sp=quarantine"))
    assert (NOTE, "policy none (of pub.test): receivers only watch") in told(found(above=GOOD + "; sp=none"))


@pytest.mark.parametrize(
    ("texts", "severity", "said"),
    [
        ((), ERROR, "there is no record"),
        (("v=DMARC2; p=none",), ERROR, "there is no record"),
        ((GOOD, GOOD), ERROR, "there are 2 records"),
        (("v=DMARC1; p",), ERROR, "does not parse"),
        (("v=DMARC1; rua=mailto:x@news.pub.test",), ERROR, 'its p is "", which is no policy'),
        (("v=DMARC1; p=maybe; rua=mailto:x@news.pub.test",), ERROR, 'its p is "maybe"'),
        (("v=DMARC1; p=none; rua=mailto:x@news.pub.test",), NOTE, "policy none"),
        (("v=DMARC1; p=reject; pct=20; rua=mailto:x@news.pub.test",), NOTE, "not for every mail"),
        (("v=DMARC1; p=reject; t=y; rua=mailto:x@news.pub.test",), NOTE, "not for every mail"),
        (("v=DMARC1; p=reject",), WARNING, "names no address for reports"),
        (("v=DMARC1; p=reject; rua=https://x.test/",), WARNING, "is no mailto: address"),
        (("v=DMARC1; p=reject; rua=mailto:x@elsewhere.test",), WARNING, "does not say that it takes them"),
    ],
)
def test_what_is_wrong_with_a_record_is_told(texts: tuple[str, ...], severity: Severity, said: str) -> None:
    seen = found(*texts)
    assert worst(seen) is severity
    assert any(one.severity is severity and said in one.what and one.mend for one in seen), seen


def test_reports_may_go_to_another_domain_that_says_so() -> None:
    record = "v=DMARC1; p=reject; rua=mailto:x@elsewhere.test!10m"
    table: Table = {"news.pub.test._report._dmarc.elsewhere.test": {"TXT": ["v=DMARC1"]}}
    assert worst(found(record, table=table)) is OK


def test_a_record_that_could_not_be_looked_up_is_a_doubt() -> None:
    assert worst(found(table={"_dmarc.news.pub.test": Status.FAILED})) is WARNING


@pytest.mark.parametrize(
    ("record", "way", "severity"),
    [
        (GOOD, signing("pub.test"), OK),
        (GOOD + "; adkim=s", signing("pub.test"), WARNING),
        (GOOD, signing("other.test"), WARNING),
        (GOOD, smtp("news.pub.test", "relay.test", None), NOTE),
        (GOOD, mailgun("mg.pub.test"), NOTE),
        (GOOD + "; adkim=s; aspf=s", mailgun("mg.pub.test"), ERROR),
        (GOOD, mailgun("mg.other.test"), ERROR),
        (GOOD, service("sendgrid", "news.pub.test"), NOTE),
        (GOOD, service("a-plugin", "news.pub.test"), NOTE),
    ],
)
def test_alignment_goes_by_the_way_and_by_what_the_record_wants(record: str, way: Way, severity: Severity) -> None:
    assert worst(found(above=record, way=way)) is severity


def test_names_that_no_record_joins_align_for_some_receivers_alone() -> None:
    own = GOOD.replace("@pub.test", "@news.pub.test")
    for way in (signing("pub.test"), mailgun("mg.pub.test")):
        (one,) = [one for one in found(own, way=way) if one.severity is WARNING]
        assert "depends on the receiver" in one.what
        assert one.mend == "publish a DMARC record at _dmarc.pub.test"


def test_the_tree_is_walked_up_to_its_top_and_long_names_are_cut() -> None:
    book = KnownBook({})
    assert [one.domain for one in walk_up(book, "a.b.test")] == ["a.b.test", "b.test", "test"]
    long = ".".join("abcdefghijkl")
    assert [one.domain for one in walk_up(book, long)][:2] == [long, "f.g.h.i.j.k.l"]
    assert len(walk_up(book, long)) == 8


def test_who_a_domain_belongs_to_goes_by_the_records_above_it() -> None:
    none = {"TXT": ["v=DMARC1; p=none"]}
    top = KnownBook({"_dmarc.pub.test": none, "_dmarc.a.pub.test": none})
    assert organisational_domain(top, "x.a.pub.test") == "pub.test"
    own = KnownBook({"_dmarc.pub.test": none, "_dmarc.a.pub.test": {"TXT": ["v=DMARC1; p=none; psd=n"]}})
    assert organisational_domain(own, "x.a.pub.test") == "a.pub.test"
    registry = KnownBook({"_dmarc.test": {"TXT": ["v=DMARC1; p=reject; psd=y"]}})
    assert organisational_domain(registry, "x.pub.test") == "pub.test"
    assert organisational_domain(KnownBook({}), "x.pub.test") == "x.pub.test"
    assert policy_of(KnownBook({}), "x.pub.test") is None
    inherited = policy_of(registry, "x.pub.test")
    assert inherited is not None
    assert (inherited.domain, inherited.name) == ("test", "reject")
