"""Whatever stands in the DNS, the doctor ends and says something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest.checks.domain.answers import Answer, Book, Kind, Question, Status
from digest.checks.domain.domain_checks import examine_domain
from digest.checks.domain.services import mailgun, service, smtp
from digest.checks.domain.subject import PublicKey, SigningKey, Subject
from tests.checks.domain.books import KnownBook, Table

KEY = SigningKey("news.test", "s", PublicKey((1 << 2047) | 1, 65537))
SUBJECT = Subject(
    "news.test", "pub.test", (smtp("news.test", "relay.test", KEY), mailgun("mg.test"), service("resend", "news.test"))
)
NAMES = [
    "news.test",
    "pub.test",
    "mg.test",
    "relay.test",
    "_dmarc.news.test",
    "_dmarc.test",
    "s._domainkey.news.test",
    "default._bimi.news.test",
    "a.test",
]
WORDS = st.sampled_from(
    [
        "v=spf1",
        "include:a.test",
        "include:news.test",
        "redirect=a.test",
        "a",
        "mx",
        "ptr",
        "all",
        "-all",
        "a:relay.test/24//64",
        "exists:%{i}.a.test",
        "ip4:8.8.8.8",
        "v=DMARC1;",
        "p=none;",
        "p=;",
        "psd=y;",
        "psd=n;",
        "rua=mailto:x@a.test;",
        "v=DKIM1;",
        "p=AAAA",
        "k=rsa;",
        "t=y;",
        "v=BIMI1;",
        "l=https://[",
        "a=x;",
        "=",
        ";",
        "/",
        "//",
        "%",
        "\x00",
        "ü",
    ]
)
TEXTS = st.one_of(st.lists(WORDS, max_size=8).map(" ".join), st.text(max_size=60), st.lists(WORDS, max_size=8).map("".join))
HOSTS = st.sampled_from(["a.test", "news.test", "", "..", "x" * 300, "127.0.0.1", "a b"])
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "TXT": st.lists(TEXTS, max_size=3),
        "MX": st.lists(st.builds("{} {}".format, st.integers(0, 65535), HOSTS), max_size=12),
        "A": st.lists(st.sampled_from(["8.8.8.8", "127.0.0.1", "0.0.0.0", "255.255.255.255"]), max_size=3),
        "AAAA": st.lists(st.sampled_from(["::1", "2606:4700::1", "fe80::1", "::ffff:8.8.8.8"]), max_size=3),
        "PTR": st.lists(HOSTS, max_size=3),
    },
)
TABLES = st.dictionaries(st.sampled_from([*NAMES, "8.8.8.8.in-addr.arpa"]), st.one_of(RECORDS, st.sampled_from([*Status])))


@given(TABLES)
def test_no_answer_makes_a_judgement_fail(table: Table) -> None:
    for one in examine_domain(KnownBook(table), SUBJECT):
        assert one.where
        assert one.what
        assert len(str(one)) < 1000


@given(TABLES)
def test_asking_step_by_step_ends_with_what_is_found_at_once(table: Table) -> None:
    known = KnownBook(table)
    answers: dict[Question, Answer] = {}
    for _ in range(60):
        book = Book(answers)
        found = examine_domain(book, SUBJECT)
        if not book.wanted:
            break
        answers |= {(name, kind): known.ask(name, Kind(kind)) for name, kind in book.wanted}
    assert not book.wanted
    assert found == examine_domain(known, SUBJECT)
