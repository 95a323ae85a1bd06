"""Checks of pictures: what stands in their place where they are not shown, and whether they arrive."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.links import addresses_of_pictures
from digest.checks.mail import Mail
from digest.checks.placeholders import called

HEAVY = 1_000_000  # bytes; on a slow connection a picture of that size is not there when its reader is


def picture_text_missing(mail: Mail) -> Iterator[Fault]:
    """Every picture has an alternative text, its own one where it is an article's."""
    for picture in mail.page.all("img"):
        if "alt" not in picture.attributes:
            yield Fault("html part", f"the picture {picture.attributes.get('src', '')!r} has no alt", "add alt in the template")
    for article in mail.content.articles:
        if article.image and not article.image_alt:
            yield Fault(called(article), "its picture has no alternative text", "add image_alt at its source")


def pictures_unreachable(mail: Mail) -> Iterator[Fault]:
    """Every picture was reached when it was asked for."""
    for address in addresses_of_pictures(mail):
        answer = mail.answers.get(address)
        if answer is not None and not answer.reached:
            yield Fault("html part", f"a picture cannot be reached: {answer.said}", "mend its address at its source")


def pictures_heavy(mail: Mail) -> Iterator[Fault]:
    """No picture is so heavy that it comes too late."""
    for address in addresses_of_pictures(mail):
        answer = mail.answers.get(address)
        if answer is not None and answer.size is not None and answer.size > HEAVY:
            what = f"the picture {address} has {answer.size:,} bytes"
            yield Fault("html part", what, f"make it smaller than {HEAVY:,}: mails show it at 600 pixels at most")
