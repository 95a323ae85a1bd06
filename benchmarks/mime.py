"""(c) A full MIME message for one subscriber, beside building it with `EmailMessage`."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from benchmarks.measuring import Figure, paired
from benchmarks.project import a_place, in_turn, opened, the_issue
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.rendering.assemble import fill
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition
from digest.testing.specimens import DATE, an_envelope

_OURS, _THEIRS = 1000, 3  # messages of one run


def message(runs: int) -> list[Figure]:
    """Both make the same headers that readers see, and the same two bodies."""
    rendition, envelope = the_widest_rendition(), an_envelope()
    builder = MessageBuilder(rendition)
    html, text = fill(rendition, envelope.personal)

    def ours() -> None:
        for _ in range(_OURS):
            builder.build(envelope, DATE)

    def theirs() -> None:
        for _ in range(_THEIRS):
            mail = EmailMessage(policy=SMTP)
            mail["From"], mail["To"], mail["Subject"] = rendition.sender.address, envelope.address, rendition.subject
            mail.set_content(text)
            mail.add_alternative(html, subtype="html")
            mail.as_bytes()

    mine, peer, ratio = (
        value / many for value, many in zip(paired(ours, theirs, runs), (_OURS, _THEIRS, _THEIRS / _OURS), strict=True)
    )
    return [
        Figure(
            f"MIME message of {len(builder.build(envelope, DATE)) / 1000:.0f} KB",
            f"{mine * 1e6:.1f} µs",
            f"`EmailMessage` {peer * 1000:.2f} ms",
            f"{ratio:.0f} ×",
            "≥ 300 ×",
            {"mime_vs_emailmessage": round(ratio, 1)},
            {"emailmessage_milliseconds": round(peer * 1000, 3)},
        )
    ]


def the_widest_rendition() -> Rendition:
    """The issue as somebody who follows everything gets it."""
    with a_place(in_turn(1), 1) as place, opened(place) as app:
        issue = the_issue(app)
        with app.store.reading() as connection:
            return Shelf(connection, issue).assemble(widest_arrangement(connection, issue), 1)
