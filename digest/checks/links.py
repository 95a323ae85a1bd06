"""Checks of links: that they lead somewhere, and that others than ourselves can go there."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.rendering.cleaning import one_line, web_address

_OTHER_SCHEMES = ("mailto:", "tel:")
_PRIVATE_ENDINGS = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home.arpa", ".invalid", ".test")


def links_broken(mail: Mail) -> Iterator[Fault]:
    """Every link is a web address."""
    for link in mail.page.all("a", "area"):
        address = link.attributes.get("href")
        if address is not None and not address.lower().startswith(_OTHER_SCHEMES) and web_address(address) is None:
            said = f"leads to {one_line(address)[:80]!r}" if address.strip() else "leads nowhere"
            mend = "mend the template, or the address at its source"
            yield Fault("html part", f"the link “{_called(link.text)}” {said}, which is no web address", mend)


def links_private(mail: Mail) -> Iterator[Fault]:
    """No link or picture lies where only its publisher gets in."""
    for address in dict.fromkeys((*addresses_of_links(mail), *addresses_of_pictures(mail))):
        host = urlsplit(address).hostname or ""
        if _private(host):
            yield Fault("html part", f"{address} is private: {host} is nobody else's", "name a public address")


def links_unreachable(mail: Mail) -> Iterator[Fault]:
    """Every link was reached when it was asked for."""
    for address in addresses_of_links(mail):
        answer = mail.answers.get(address)
        if answer is not None and not answer.reached:
            yield Fault(
                "html part", f"a link cannot be reached: {answer.said}", "mend it at its source, or leave the article out"
            )


def public_url_insecure(mail: Mail) -> Iterator[Fault]:
    """Digest's own pages are behind https, so that mail programs offer one-click unsubscribe."""
    public_url = mail.content.site.public_url
    if not public_url.startswith("https://"):
        what = f"{public_url} is not https, so mail programs offer no one-click unsubscribe"
        yield Fault("site.public_url", what, "put Digest's pages behind https")


def addresses_of_links(mail: Mail) -> tuple[str, ...]:
    """Where the mail's links lead, each once, those to Digest's own pages left out: they are a reader's own."""
    own = mail.content.site.public_url.rstrip("/") + "/"
    found = (link.attributes.get("href", "") for link in mail.page.all("a", "area"))
    return tuple(dict.fromkeys(one for one in found if web_address(one) and not one.startswith(own)))


def addresses_of_pictures(mail: Mail) -> tuple[str, ...]:
    """Where the mail's pictures lie, each once."""
    found = (picture.attributes.get("src", "") for picture in mail.page.all("img"))
    return tuple(dict.fromkeys(one for one in found if web_address(one)))


def _private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host.rstrip(".") or host.rstrip(".").lower().endswith(_PRIVATE_ENDINGS)


def _called(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
