"""What a scribe does, in its own process: it writes what it is asked for until nobody is there any more to ask."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from digest.delivery.engines.scribe_frame import FRAME
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.recipient import Recipient
from digest.rendering.content import Greeting, SenderContent
from digest.rendering.rendition import Rendition, Slotted


@dataclass(frozen=True, slots=True)
class _Slot:
    """What of an issue its ids are made of."""

    newsletter: str
    frequency: str
    slot: str


def serve() -> None:
    """Answer at the standard output what is asked at the standard input."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    _, first = _hear(asked) or (0, b"")
    if not first:
        return
    told = orjson.loads(first)
    writes: Any = getattr(importlib.import_module(told["module"]), told["function"])
    slot = _Slot(told["newsletter"], told["frequency"], told["slot"])
    maker = EnvelopeMaker(bytes.fromhex(told["key"]), told["public_url"], slot, told["mailto"])
    while (heard := _hear(asked)) is not None:
        number, data = heard
        question = orjson.loads(data)
        rendition = rendition_of(question["rendition"])
        envelopes = [maker.make(Recipient._make(person), rendition) for person in question["people"]]
        written = writes(rendition, envelopes) or b""
        answers.write(FRAME.pack(number, len(written)) + written)
        answers.flush()


def rendition_of(data: dict[str, Any]) -> Rendition:
    """A rendition again, from what JSON makes of one; how it was degraded is not needed to write it."""
    slotted = {name: Slotted(tuple(data[name]["literals"]), tuple(data[name]["slots"])) for name in ("html", "text")}
    made = {"sender": SenderContent(**data["sender"]), "greeting": Greeting(**data["greeting"]), "degraded": None}
    return Rendition(**(data | slotted | made))


def _hear(asked: BinaryIO) -> tuple[int, bytes] | None:
    """A number and what is asked by it; None at the end."""
    head = asked.read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    number, size = FRAME.unpack(head)
    data = asked.read(size)
    return (number, data) if len(data) == size else None
