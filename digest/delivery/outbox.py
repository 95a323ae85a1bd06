"""The outbox: what a dry run leaves behind, one folder an issue, made of the very bytes that would be sent."""

from __future__ import annotations

import csv
import shutil
import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from digest.audience.cells import defuse
from digest.delivery import gallery
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.providers.port import Provider
from digest.delivery.transitions import DeliveryState
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue
from digest.issues.withdrawn import withdrawn_from
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope
from digest.rendering.degrading import Degraded
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition
from digest.store import tables

PARTS = ("index.html", "renditions", "messages", "requests.jsonl", "recipients.csv", "summary.json")
WHY_NOT = {
    DeliveryState.SKIPPED: "nothing new under their topics",
    DeliveryState.SUPPRESSED: "the address must not be mailed",
    DeliveryState.CANCELLED: "no longer subscribed",
}


class Outbox:
    """Writes down what a rehearsed provider is handed. Thread-safe; memory is bounded by the number of renditions."""

    def __init__(self, root: Path, *, every_message: bool) -> None:
        self._root, self._every = root, every_message
        self._lock = threading.Lock()
        self._seen: dict[str, dict[int, int]] = {}
        self._degraded: dict[str, dict[int, Degraded]] = {}
        self._builders: dict[tuple[str, int], MessageBuilder] = {}

    def folder(self, issue: Issue) -> Path:
        """Where an issue's files go."""
        return self._root / issue.name.replace("/", "-")

    def begin(self, issue: Issue) -> Path:
        """An empty folder for an issue; what an earlier dry run of it left is removed, and nothing else."""
        folder = self.folder(issue)
        for part in PARTS:
            path = folder / part
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for part in ("renditions", "messages"):
            (folder / part).mkdir(parents=True)
        (folder / "requests.jsonl").touch()
        self._seen[issue.name] = {}
        self._degraded[issue.name] = {}
        return folder

    def record(self, provider: Provider, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> None:
        """Write the request, and the first message of a rendition (or every one)."""
        folder = self._root / rendition.issue.replace("/", "-")
        with self._lock:
            seen = self._seen[rendition.issue]
            first = rendition.number not in seen
            seen[rendition.number] = seen.get(rendition.number, 0) + len(envelopes)
            with (folder / "requests.jsonl").open("ab") as requests:
                for request in provider.describe(rendition, envelopes, date):
                    requests.write(orjson.dumps(request) + b"\n")
            if first:
                self._write_rendition(folder, rendition, envelopes[0])
                if rendition.degraded is not None:
                    self._degraded[rendition.issue][rendition.number] = rendition.degraded
            for envelope in envelopes if self._every else envelopes[: int(first)]:
                name = f"{rendition.number:04}-{envelope.delivery_id}.eml"
                (folder / "messages" / name).write_bytes(self._builder(rendition).build(envelope, date))

    def finish(self, connection: Connection, issue: Issue, frozen: Frozen) -> Path:
        """Write who gets what, the summary and the gallery."""
        folder = self.folder(issue)
        summary = _summary(connection, issue, frozen) | {"degraded": self._told_degraded(issue)}
        _write_recipients(connection, issue, frozen, folder / "recipients.csv")
        (folder / "summary.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
        page = gallery.page(issue, frozen, folder / "renditions", self._seen[issue.name], summary, _languages(connection, issue))
        (folder / "index.html").write_text(page, encoding="utf-8")
        return folder

    def _told_degraded(self, issue: Issue) -> list[dict[str, Any]]:
        return [{"rendition": number, **asdict(one)} for number, one in sorted(self._degraded[issue.name].items())]

    def _builder(self, rendition: Rendition) -> MessageBuilder:
        key = (rendition.issue, rendition.number)
        if key not in self._builders:
            self._builders = {key: MessageBuilder(rendition)}
        return self._builders[key]

    def _write_rendition(self, folder: Path, rendition: Rendition, envelope: Envelope) -> None:
        html, text = fill(rendition, envelope.personal)
        (folder / "renditions" / f"{rendition.number:04}.html").write_text(html, encoding="utf-8", newline="")
        (folder / "renditions" / f"{rendition.number:04}.txt").write_text(text, encoding="utf-8", newline="")


class Rehearsed:
    """A provider in a dry run: it carries everything into the outbox, and its real transports are never opened."""

    def __init__(self, provider: Provider, outbox: Outbox) -> None:
        self.name, self.batch_limit = provider.name, provider.batch_limit
        self._provider, self._outbox = provider, outbox

    def open(self) -> Rehearsed:
        """A transport that leads into the outbox."""
        return self

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """What the real one would be sent."""
        return self._provider.describe(rendition, envelopes, date)

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Write down and accept."""
        self._outbox.record(self._provider, rendition, envelopes, date)
        return Answer((Outcome.ACCEPTED,) * len(envelopes))

    def close(self) -> None:
        """Nothing is open."""


def _summary(connection: Connection, issue: Issue, frozen: Frozen) -> dict[str, Any]:
    row = tables.delivery.c
    counted = select(row.state, func.count()).where(row.issue_id == issue.id).group_by(row.state)
    states: dict[str, int] = {found.state: found[1] for found in connection.execute(counted)}
    kept = tables.decision.c
    decisions = connection.execute(select(*kept).where(kept.issue_id == issue.id).order_by(kept.position)).all()
    titles = {article.id: article for article in frozen.content.articles}
    withdrawn = withdrawn_from(connection, issue.id)
    renditions = select(tables.rendition.c.number).where(tables.rendition.c.issue_id == issue.id)
    return {
        "newsletter": issue.newsletter,
        "number": issue.number,
        "slot": issue.slot,
        "subject": issue.subject,
        "articles": [
            {"id": one.article_id, "title": titles[one.article_id].title, "url": titles[one.article_id].url, "topic": one.topic}
            for one in decisions
            if one.chosen and one.article_id not in withdrawn
        ],
        "decisions": [
            {
                "article": one.article_id,
                "chosen": one.chosen,
                "reason": one.reason,
                "topic": one.topic,
                "left_out_from": withdrawn.get(one.article_id),
            }
            for one in decisions
        ],
        "renditions": len(connection.execute(renditions).all()),
        "deliveries": states.get("accepted", 0),
        "skipped": states.get("skipped", 0),
        "suppressed": states.get("suppressed", 0),
        "content_hash": issue.content_hash,
        "sub_revision": max(withdrawn.values(), default=0),
    }


def _languages(connection: Connection, issue: Issue) -> dict[int, str]:
    kept = tables.rendition.c
    found = connection.execute(select(kept.number, kept.language).where(kept.issue_id == issue.id))
    return dict(tuple(row) for row in found)


def _write_recipients(connection: Connection, issue: Issue, frozen: Frozen, path: Path) -> None:
    row, person, group = tables.delivery.c, tables.subscriber.c, tables.audience_group.c
    query = (
        select(person.email, person.name, group.topics, row.rendition, row.state, row.answer, group.language)
        .select_from(
            tables.delivery.join(tables.subscriber, person.id == row.subscriber_id).join(
                tables.audience_group, (group.issue_id == row.issue_id) & (group.number == row.group_number)
            )
        )
        .where(row.issue_id == issue.id)
        .order_by(row.subscriber_id)
    )
    every = " ".join(frozen.rules.topics)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("email", "name", "topics", "rendition", "why_not", "language"))
        found = connection.execute(query, execution_options={"yield_per": 1000})
        for email, name, topics, rendition, state, answer, language in found:
            accepted = state == DeliveryState.ACCEPTED.value
            cancelled = answer if state == DeliveryState.CANCELLED.value else None
            why = "" if accepted else cancelled or WHY_NOT.get(DeliveryState(state), state)
            number = f"{rendition:04}" if accepted else ""
            writer.writerow((defuse(email), defuse(name or ""), every if topics == "*" else topics, number, why, language))
