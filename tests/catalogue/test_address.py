"""Which addresses are taken, and which are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.catalogue.address import canonical_url, web_address

_HOSTS = st.sampled_from(["backend.example", "BACKEND.example:443", "a.b:8080", "[::1]", "münchen.example"])
_PARTS = st.text(alphabet="aZ0%2fF41/=&;?+.~_-é😀 #", max_size=30)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://Backend.Example:443/A?b=1&utm_source=x&a=2#top", "https://backend.example/A?b=1&a=2"),
        ("http://backend.example:80", "http://backend.example/"),
        ("http://backend.example:8080/", "http://backend.example:8080/"),
        ("https://backend.example/?gclid=1&fbclid=2&mc_cid=3&mc_eid=4&UTM_Medium=5", "https://backend.example/"),
        ("https://backend.example/a?ref=home", "https://backend.example/a?ref=home"),
        ("https://backend.example/a/", "https://backend.example/a/"),
        ("https://backend.example/a?x=1&x=2&&y", "https://backend.example/a?x=1&x=2&&y"),
        ("https://backend.example/caf%c3%a9/%7Eme", "https://backend.example/caf%C3%A9/~me"),
        ("https://backend.example/café", "https://backend.example/caf%C3%A9"),
        ("https://bücher.example/a b", "https://xn--bcher-kva.example/a%20b"),
        ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"),
    ],
)
def test_one_article_has_one_canonical_address(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@given(st.sampled_from(["http", "https", "HTTP"]), _HOSTS, _PARTS)
def test_the_canonical_address_of_a_canonical_address_is_itself(scheme: str, host: str, rest: str) -> None:
    once = canonical_url(f"{scheme}://{host}/{rest}")
    assert canonical_url(once) == once
    assert once.isascii()


@given(_HOSTS, _PARTS)
def test_an_address_is_ascii_and_keeps_its_meaning(host: str, rest: str) -> None:
    address = web_address(f"https://{host}/{rest}")
    assert address.isascii()
    assert " " not in address
    assert web_address(address) == address
    assert canonical_url(address) == canonical_url(f"https://{host}/{rest}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "backend.example/a",
        "//backend.example/a",
        "/a",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "\u2028javascript:alert(1)",
        "\u00a0javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "https://backend.example/\u2028javascript:x",
        "data:text/html,x",
        "ftp://backend.example/",
        "file:///etc/passwd",
        "https://",
        "https:///a",
        "https://user:password@backend.example/",
        "https://backend.example\\@evil.example/",
        "https://backend example/",
        "https://backend.example:99999/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://-/",
        "https://backend.example/" + "a" * 3000,
        "https://backend.example/" + "é" * 800,
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        web_address(url)
    with pytest.raises(ValueError, match=r"\w"):
        canonical_url(url)


@given(st.text(alphabet="ab.-/_~ZÄ%?#:", max_size=30))
def test_the_short_cut_for_ordinary_addresses_changes_nothing(rest: str) -> None:
    ordinary = f"https://{rest.lstrip('.-/')}"
    long_way = ordinary + "?utm_source=x"  # what is dropped from the canonical address takes it past the short cut
    if "?" not in rest and "#" not in rest:
        assert _outcome(ordinary) == _outcome(long_way)


def _outcome(url: str) -> str | None:
    try:
        return canonical_url(url)
    except ValueError:
        return None
