"""A rendition: the body shared by all deliveries with the same articles, with slots for the few personal values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.rendering.content import ENGLISH_GREETING, Greeting, SenderContent

if TYPE_CHECKING:  # what degrades a rendition needs slots itself
    from digest.rendering.degrading import Degraded


@dataclass(frozen=True, slots=True)
class Slotted:
    """Text with slots: `literals` has one more element than `slots`; slot i stands between literals i and i + 1."""

    literals: tuple[str, ...]
    slots: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every slot replaced by its value, put in as it is: escape before."""
        pieces = [self.literals[0]]
        for name, literal in zip(self.slots, self.literals[1:], strict=True):
            pieces += (values[name], literal)
        return "".join(pieces)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One distinct list of articles of one issue in one language, ready to be sent.

    `issue` is "weekly/12", `number` counts renditions within it, `list_id` is the RFC 2919 identifier without its
    angle brackets. Slots in `html` and `text` are the fields of `Personal`. `degraded` tells how it was made to fit; None: it is whole.
    """

    issue: str
    number: int
    language: str
    subject: str
    newsletter_title: str
    list_id: str
    sender: SenderContent
    html: Slotted
    text: Slotted
    greeting: Greeting = ENGLISH_GREETING
    degraded: Degraded | None = None
