"""What SendGrid's figures stand beside: a bare loop as the floor, and the package's own helper classes.

Apart from `api`: what these load is not in the memory of what is measured.
"""

from __future__ import annotations

import http.client
import sqlite3
import time
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from urllib.parse import urlsplit

import orjson
from python_http_client import Client
from sendgrid.helpers.mail import Content, CustomArg, Email, Header, Mail, Personalization, Substitution, To

from benchmarks.project import Place

_REQUEST = 1000
_HTML, _TEXT = "<p>" + "news " * 6000 + "</p>", "news " * 600

Row = tuple[int, str, int]


def bare_loop(place: Place, url: str, readers: int) -> float:
    """Read, serialise, post; how many seconds it took."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for batch in _batches(place, readers):
        body = orjson.dumps(
            {
                "from": {"email": "news@example.com"},
                "subject": "News",
                "content": [{"type": "text/plain", "value": _TEXT}, {"type": "text/html", "value": _HTML}],
                "personalizations": [
                    {"to": [{"email": address}], "custom_args": {"delivery_id": str(number)}} for number, address, _ in batch
                ],
            }
        )
        connection.request("POST", "/v3/mail/send", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()
    return time.perf_counter() - began


def helper_classes(place: Place, url: str, readers: int) -> float:
    """The same with the package's own classes and client, which opens a connection for each call."""
    began = time.perf_counter()
    client = Client(host=url, request_headers={"Authorization": "Bearer SG.benchmark"}, version=3)
    for batch in _batches(place, readers):
        mail = Mail(from_email=Email("news@example.com"), subject="News")
        mail.add_content(Content("text/plain", _TEXT))
        mail.add_content(Content("text/html", _HTML))
        for number, address, _ in batch:
            one = Personalization()
            one.add_to(To(address))
            one.add_header(Header("List-Unsubscribe", f"<https://news.example/{number}>"))
            one.add_substitution(Substitution("~name~", address))
            one.add_custom_arg(CustomArg("delivery_id", str(number)))
            mail.add_personalization(one)
        client.mail.send.post(request_body=mail.get())
    return time.perf_counter() - began


def _batches(place: Place, readers: int) -> Iterator[Sequence[Row]]:
    """The readers in the requests that `deliver` makes of them: each mix of topics apart."""
    connection = sqlite3.connect(place.folder / "digest.db")
    rows = connection.execute(
        "SELECT subscriber.id, address, dense_rank() OVER (ORDER BY topics) FROM subscriber"
        " JOIN subscription ON subscriber_id = subscriber.id ORDER BY topics LIMIT ?",
        (readers,),
    )
    for _, theirs in groupby(rows, key=lambda row: row[2]):
        while batch := list(islice(theirs, _REQUEST)):
            yield batch
    connection.close()
