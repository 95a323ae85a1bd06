"""What Python offers for the same mails over one connection: the standard library, and Django's backend."""

from __future__ import annotations

import smtplib
import time
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache

from benchmarks.project import a_project
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.rendering.assemble import fill
from digest.rendering.rendition import Rendition
from digest.testing.specimens import an_envelope


@cache
def _widest() -> Rendition:
    with a_project(1, 1, {}) as (app, issue), app.store.reading() as connection:
        return Shelf(connection, issue).assemble(widest_arrangement(connection, issue), 1)


def by_smtplib(port: int, messages: int) -> float:
    """Messages a second as the standard library does it, from the first connection to the last answer."""
    rendition = _widest()
    html, plain = fill(rendition, an_envelope().personal)
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as relay:
        for number in range(messages):
            mail = EmailMessage(policy=SMTP)
            mail["From"], mail["To"], mail["Subject"] = rendition.sender.address, f"u{number}@example.com", rendition.subject
            mail.set_content(plain)
            mail.add_alternative(html, subtype="html")
            relay.send_message(mail)
    return messages / (time.perf_counter() - began)


def by_django(port: int, messages: int) -> float:
    """The same as Django does it."""
    from django.conf import settings
    from django.core.mail import EmailMultiAlternatives, get_connection

    if not settings.configured:
        settings.configure()
    rendition = _widest()
    html, plain = fill(rendition, an_envelope().personal)
    began = time.perf_counter()
    with get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port) as relay:
        for number in range(messages):
            to = [f"u{number}@example.com"]
            mail = EmailMultiAlternatives(rendition.subject, plain, rendition.sender.address, to, connection=relay)
            mail.attach_alternative(html, "text/html")
            mail.send()
    return messages / (time.perf_counter() - began)
