"""An issue's blocks: rendered once per language (`render`), stored in the frozen issue, joined anew for each rendition (`assemble`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from digest.rendering.cleaning import one_line
from digest.rendering.content import ENGLISH_GREETING, Greeting, SenderContent
from digest.rendering.rendition import Slotted

_FORMS = ("lone_leads", "lone_cards", "short_leads", "short_cards", "title_leads", "title_cards")
_BEFORE = {**{form: {} for form in _FORMS}, "greeting": ENGLISH_GREETING}
"""What blocks were like before they had these."""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of an issue, in both forms."""

    html: Slotted
    text: Slotted


@dataclass(frozen=True, slots=True)
class Blocks:
    """Every piece that a rendition of one issue in one language can be joined from.

    `leads`, `cards` and `titles` go by article id, `sections` by slug. `lone_leads` and `lone_cards` are of those articles
    that name other places of their story, without these: for when one of them is withdrawn. Of an issue that may become too
    large there are degraded forms too: `short_` ones with excerpts, `title_` ones with titles, and the section `MORE_SLUG` with
    its card among `title_cards`. Slots are the fields of `Personal` and `preheader`; the one for the greeting is filled from
    `greeting`.
    """

    language: str
    opening: Block
    leads: Mapping[int, Block]
    sections: Mapping[str, Block]
    cards: Mapping[int, Block]
    closing: Block
    titles: Mapping[int, str]
    lone_leads: Mapping[int, Block]
    lone_cards: Mapping[int, Block]
    greeting: Greeting = ENGLISH_GREETING
    short_leads: Mapping[int, Block] = field(default_factory=dict)
    short_cards: Mapping[int, Block] = field(default_factory=dict)
    title_leads: Mapping[int, Block] = field(default_factory=dict)
    title_cards: Mapping[int, Block] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Canonical bytes: equal blocks make equal bytes, and these are what an approval signs."""
        option = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
        # What is as it was before is not written: an approval of before there was another way holds.
        parts = ((name, getattr(self, name)) for name in self.__slots__)
        written = [
            b"%b:%b" % (orjson.dumps(name), orjson.dumps(part, option=option))
            for name, part in parts
            if name not in _BEFORE or part != _BEFORE[name]
        ]
        return b"{%b}" % b",".join(written)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Blocks:
        """The blocks that `to_bytes` stored."""
        read = orjson.loads(stored)
        return cls(
            language=read["language"],
            opening=_block(read["opening"]),
            leads={int(key): _block(value) for key, value in read["leads"].items()},
            sections={key: _block(value) for key, value in read["sections"].items()},
            cards={int(key): _block(value) for key, value in read["cards"].items()},
            closing=_block(read["closing"]),
            titles={int(key): value for key, value in read["titles"].items()},
            **{form: {int(key): _block(value) for key, value in read.get(form, {}).items()} for form in _FORMS},
            greeting=Greeting(**read["greeting"]) if "greeting" in read else ENGLISH_GREETING,
        )


def content_hash(
    blocks: Blocks,
    *,
    subject: str,
    sender: SenderContent,
    template_hash: str,
    others: Iterable[tuple[Blocks, str]] = (),
    preheader: str = "",
    alternatives: Sequence[str] = (),
) -> str:
    """What an approval signs, as SHA-256 in hex: everything that a reader can see, and who it comes from.

    `others` are the blocks in each further language, with its subject. A `preheader` is an editor's; others come from the titles. The
    `alternatives` of the subject are signed where there are some: whatever a test may send one day has been approved.
    """
    digest = hashlib.sha256()
    further = (part for other, title in others for part in (other.to_bytes(), one_line(title).encode()))
    own: list[object] = [one_line(preheader)] if preheader else []
    own += [[one_line(one) for one in alternatives]] if alternatives else []  # a list within: no preheader is one
    for part in (blocks.to_bytes(), orjson.dumps([one_line(subject), sender, template_hash, *own]), *further):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _block(read: Mapping[str, Mapping[str, list[str]]]) -> Block:
    html, text = (Slotted(tuple(read[form]["literals"]), tuple(read[form]["slots"])) for form in ("html", "text"))
    return Block(html, text)
