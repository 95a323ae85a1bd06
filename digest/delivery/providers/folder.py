"""Mails as files: what the providers `eml` and `maildir` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.durable import make_folder, settle, write_whole
from digest.delivery.providers.wording import explain
from digest.errors import Refused
from digest.rendering.content import Envelope
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition

BATCH = 100  # mails that share one settling of the folder


class Shelf(Protocol):
    """Where files go."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Those that must be there; names that must last stand in the last one."""
        ...

    def places(self, delivery_id: str) -> tuple[Path, Path]:
        """Where a mail is written first, and where it then goes: the same for the same delivery."""
        ...


class FolderTransport:
    """Writes the mails of one lane."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Write each mail; they are accepted when they would survive a power cut."""
        outcomes = [Outcome.DEFERRED] * len(envelopes)
        if not envelopes:
            return Answer(())
        try:
            self._write(outcomes, MessageBuilder(rendition).build, envelopes, date)
        except (Refused, ValueError) as error:
            answer = Answer(tuple(outcomes), text=str(error), trouble=Trouble.CONTENT)
        except OSError as error:
            answer = Answer(tuple(outcomes), text=self._words(error), trouble=Trouble.CONNECTION)
        else:
            answer = Answer(tuple(outcomes))
        return self._settled(answer)

    def close(self) -> None:
        """Nothing is open."""

    def _write(
        self, outcomes: list[Outcome], build: Callable[[Envelope, datetime], bytes], envelopes: Sequence[Envelope], date: datetime
    ) -> None:
        for folder in self._shelf.folders:
            make_folder(folder)
        for place, envelope in enumerate(envelopes):
            message = build(envelope, date)
            write_whole(message, *self._shelf.places(envelope.delivery_id))
            outcomes[place] = Outcome.ACCEPTED

    def _settled(self, answer: Answer) -> Answer:
        """What was written is there now; when it cannot be made sure to stay there, nobody knows."""
        if Outcome.ACCEPTED not in answer.outcomes:
            return answer
        try:
            settle(self._shelf.folders[-1:])
        except OSError as error:
            doubtful = tuple(Outcome.UNKNOWN if one is Outcome.ACCEPTED else one for one in answer.outcomes)
            return Answer(doubtful, text=self._words(error), trouble=answer.trouble)
        return answer

    def _words(self, error: OSError) -> str:
        return f"{self._shelf.folders[0]}: {explain(error)}"
