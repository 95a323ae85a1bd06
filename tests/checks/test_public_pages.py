"""The pages that readers reach."""

from __future__ import annotations

import pytest

from digest.checks.finding import Severity
from digest.checks.public_pages import NOBODYS_TOKEN, Page, judge_address, judge_front, judge_one_click
from tests.checks.domain.books import told

ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK


def test_the_token_names_nobody_whatever_the_key() -> None:
    from digest.audience.tokens import Purpose, derive_key, read_token

    assert all(
        read_token(derive_key(f"{number}" * 32), purpose, NOBODYS_TOKEN) is None for number in range(9) for purpose in Purpose
    )


@pytest.mark.parametrize(
    ("url", "severity", "said"),
    [
        ("https://127.0.0.1", ERROR, "readers elsewhere cannot reach it"),
        ("http://localhost:8000", ERROR, "readers elsewhere cannot reach it"),
        ("https://192.168.1.2", ERROR, "readers elsewhere cannot reach it"),
        ("https://news.backend.example", NOTE, "reserved for examples"),
        ("http://news.pub.net", ERROR, "is not https"),
    ],
)
def test_an_address_is_judged_before_anybody_is_asked(url: str, severity: Severity, said: str) -> None:
    ((found, what),) = told(judge_address(url, asked=False))
    assert found is severity
    assert said in what


def test_a_private_address_is_a_warning_where_it_may_be_one() -> None:
    assert [severity for severity, _ in told(judge_address("http://127.0.0.1:8000", asked=True, allow_private=True))] == [WARNING]


def test_a_public_https_address_is_right() -> None:
    assert judge_address("https://news.pub.net", asked=True) == []
    assert judge_address("https://news.pub.test", asked=True) == []


@pytest.mark.parametrize(
    ("page", "severity", "said"),
    [
        (Page(404), OK, "answers"),
        (Page(200), OK, "answers"),
        (Page(502), ERROR, "answers 502"),
        (Page(failed="certificate verify failed"), ERROR, "cannot be reached: certificate verify failed"),
        (Page(failed="it leads to 10.0.0.1, which is private", private=True), WARNING, "seen from here"),
    ],
)
def test_the_front_is_well_when_it_answers_at_all(page: Page, severity: Severity, said: str) -> None:
    ((found, what),) = told(judge_front("https://news.pub.net", page))
    assert found is severity
    assert said in what


@pytest.mark.parametrize(
    ("page", "severity", "said"),
    [
        (Page(200), OK, "is answered with 200"),
        (Page(404), ERROR, "Digest's pages are not there"),
        (Page(405), ERROR, "answered with 405"),
        (Page(204), ERROR, "answered with 204"),
        (Page(303, "/done"), ERROR, 'redirected (303) to "/done"'),
        (Page(failed="timed out"), ERROR, "cannot be reached: timed out"),
    ],
)
def test_one_click_wants_200_and_no_redirect(page: Page, severity: Severity, said: str) -> None:
    ((found, what),) = told(judge_one_click(page))
    assert found is severity
    assert said in what


def test_a_cookie_is_too_much() -> None:
    assert [severity for severity, _ in told(judge_one_click(Page(200, cookie=True)))] == [OK, WARNING]
