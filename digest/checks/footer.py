"""Checks of what the law and the large mailbox providers want in every mail: a way out, and who sends it."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.rendering.cleaning import one_line


def unsubscribe_link_missing(mail: Mail) -> Iterator[Fault]:
    """Both parts have a link that unsubscribes, from everything."""
    in_html = any(link.attributes.get("href") == mail.unsubscribe_url for link in mail.page.all("a"))
    for part, there in (("html part", in_html), ("text part", mail.unsubscribe_url in mail.links_in_text)):
        if not there:
            yield Fault(part, "it has no unsubscribe link", "put {{ unsubscribe_url }} into the template")


def unsubscribe_header_missing(mail: Mail) -> Iterator[Fault]:
    """The message has the headers of one-click unsubscribe (RFC 8058)."""
    message = message_from_bytes(mail.message)
    wanted = {"List-Unsubscribe": f"<{mail.unsubscribe_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    for name, value in wanted.items():
        if [found.strip() for found in message.get_all(name, [])] != [value]:
            yield Fault("headers", f"{name} is not there once as {value}", "shorten site.public_url")


def postal_address_missing(mail: Mail) -> Iterator[Fault]:
    """Both parts have the publisher's postal address."""
    for part, text in (("html part", " ".join(mail.page.seen)), ("text part", mail.text)):
        if not _stands(mail.content.site.postal_address, text):
            yield Fault(part, "it has no postal address", "put {{ site.postal_address }} into the template")


def _stands(address: str, text: str) -> bool:
    """Whether every line of an address stands in a text, however that is wrapped."""
    flat = "".join(text.split())
    return all("".join(one_line(line).split()).rstrip(",") in flat for line in address.splitlines())
