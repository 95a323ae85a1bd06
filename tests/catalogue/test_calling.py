"""One request to a web address, and how it was answered."""

from __future__ import annotations

import pytest

from digest.catalogue.calling import ONE_CLICK, Called, PrivateAddress, call
from digest.errors import Unreachable
from digest.testing.http_stub import HttpStub, Respond


def stub(answer: Respond) -> HttpStub:
    return HttpStub(lambda _: answer)


def test_a_post_carries_what_one_click_does_and_nothing_of_the_answer_is_read() -> None:
    with stub(Respond(200, b"x" * 1_000_000)) as server:
        assert call("POST", f"{server.url}/unsubscribe/AAAA", allow_private=True) == Called(200)
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/unsubscribe/AAAA", ONE_CLICK)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "cookie" not in request.headers


def test_no_redirect_is_followed() -> None:
    with stub(Respond(302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})) as server:
        assert call("POST", server.url, allow_private=True) == Called(302, "/elsewhere", cookie=True)
    assert len(server.requests) == 1


def test_a_private_address_is_not_asked_unless_it_may_be() -> None:
    with stub(Respond(200)) as server:
        with pytest.raises(PrivateAddress, match=r"^127\.0\.0\.1 is private or loopback$"):
            call("GET", server.url)
        with pytest.raises(PrivateAddress, match=r"^news\.test leads to 127\.0\.0\.1, which is private or loopback$"):
            call("GET", f"http://news.test:{server.port}/", resolve=lambda _host, _port: ["127.0.0.1"])
        with pytest.raises(PrivateAddress):
            call("GET", "http://169.254.169.254/", allow_private=True)
    assert server.connections == 0


def test_what_cannot_be_reached_is_one_line() -> None:
    with stub(Respond(200)) as server:
        gone = server.url
        with pytest.raises(Unreachable) as refused:
            call("GET", gone.replace("http:", "https:"), allow_private=True, seconds=0.5)
        assert "\n" not in str(refused.value)
    for url in (gone, "http://[", "ftp://x.test/", f"{gone}:x"):
        with pytest.raises(Unreachable):
            call("GET", url, allow_private=True)


def test_an_answer_that_never_ends_its_headers_ends_with_the_deadline() -> None:
    with stub(Respond(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, slowly=0.05)) as server, pytest.raises(Unreachable):
        call("POST", server.url, allow_private=True, seconds=0.5)
