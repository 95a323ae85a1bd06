"""The pages that readers reach: whether links in mails lead anywhere, and one click on unsubscribe works (RFC 8058)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from digest.catalogue.internet_address import refusal
from digest.checks.domain.answers import shown
from digest.checks.domain.subject import is_reserved
from digest.checks.finding import Finding, error, note, warning, well

NOBODYS_TOKEN = "A" * 32  # its version is 0, and no token's is
_WHERE, _ONE_CLICK = "site.public_url", "one-click unsubscribe"
_RUN_PAGES = "run `digest serve` there, or let the proxy in front pass this address on, POST included"


@dataclass(frozen=True, slots=True)
class Page:
    """How one request was answered: a status, or the words of what failed; `private` when its address forbade it."""

    status: int | None = None
    location: str | None = None
    cookie: bool = False
    failed: str = ""
    private: bool = False


def judge_address(public_url: str, *, asked: bool, allow_private: bool = False) -> list[Finding]:
    """What the address itself tells; `asked` when it is going to be asked, `allow_private` when it may be a private one."""
    host = urlsplit(public_url).hostname or ""
    if host == "localhost" or refusal(host) in {"is private or loopback", "is link-local, multicast or reserved"}:
        judge = warning if allow_private else error
        return [
            judge(
                _WHERE,
                f"{public_url} is an address of this machine or network, so readers elsewhere cannot reach it",
                "name the public host",
            )
        ]
    if is_reserved(host) and not asked:
        return [note(_WHERE, f"{host} is reserved for examples and tests, so nobody was asked", "put your own in its place")]
    if not public_url.startswith("https://"):
        return [
            error(
                _WHERE,
                f"{public_url} is not https, so mail programs offer no one-click unsubscribe",
                "put Digest's pages behind https",
            )
        ]
    return []


def judge_front(public_url: str, page: Page) -> Iterator[Finding]:
    """How the address itself answered."""
    if page.private:
        mend = "if readers reach it by another way, look with --allow-private; else name the public host"
        yield warning(_WHERE, f"{page.failed}, seen from here", mend)
    elif page.status is None:
        yield error(
            _WHERE,
            f"{public_url} cannot be reached: {page.failed}",
            "see that name, certificate and server are right; links in mails lead there",
        )
    elif page.status >= 500:
        yield error(
            _WHERE, f"{public_url} answers {page.status}", "see why the server, or what it stands in front of, is not well"
        )
    else:
        yield well(_WHERE, f"{public_url} answers")


def judge_one_click(page: Page) -> Iterator[Finding]:
    """How a POST answered that a mail program would send, with a token that names nobody."""
    if page.status is None:
        yield error(_ONE_CLICK, f"it cannot be reached: {page.failed}", _RUN_PAGES)
    elif 300 <= page.status < 400:
        what = (
            f"a POST is redirected ({page.status}) to {shown(page.location or 'nowhere')}, and mail programs follow no redirect"
        )
        yield error(_ONE_CLICK, what, "set site.public_url to the address that answers itself")
    elif page.status == 404:
        yield error(_ONE_CLICK, "a POST is answered with 404: Digest's pages are not there", _RUN_PAGES)
    elif page.status != 200:
        yield error(_ONE_CLICK, f"a POST is answered with {page.status}, and 200 is wanted", _RUN_PAGES)
    else:
        yield well(_ONE_CLICK, "a POST is answered with 200")
    if page.cookie:
        yield warning(_ONE_CLICK, "the answer sets a cookie", "let the proxy in front set none at this address")
