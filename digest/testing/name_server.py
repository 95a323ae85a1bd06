"""A small name server on loopback, over UDP and TCP: answers from a table, and misbehaves where that says so."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Mapping, Sequence
from threading import Thread
from types import TracebackType
from typing import Literal, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from digest.testing.loopback import LoopbackServer

Fault = Literal["SERVFAIL", "REFUSED", "SILENCE", "TRUNCATED", "GARBAGE", "FLOOD"]
"""What is done instead of an answer: a refusal; nothing; cut over UDP, whole over TCP; bytes that are no message; over TCP, a megabyte."""
Records = Mapping[str, Sequence[str | tuple[str, ...]]]
"""By kind, such as `{"TXT": ["v=spf1 -all"]}`. A TXT is its text, or the strings it is made of; all else as in a zone file."""
Zone = Mapping[str, Records | Fault]
"""Names, in lower case and without a dot at their end; what is not in it does not exist."""

_STRING = 255
_MOST_LINKS = 16


class NameServerStub(LoopbackServer):
    """The server; a context manager. Chains of CNAMEs are followed within the table, as a resolver does."""

    def __init__(self, zone: Zone) -> None:
        super().__init__()
        self.zone = dict(zone)
        self.asked: list[tuple[str, str, str]] = []
        """Each question: how it came (`udp`, `tcp`), the name, the kind."""
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((self.host, self.port))
        self._listening = Thread(target=self._listen, daemon=True)

    @property
    def address(self) -> str:
        """Where it is, as `--nameserver` takes it."""
        return f"{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._listening.start()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        with contextlib.suppress(OSError):
            self._udp.sendto(b"", self._udp.getsockname())  # wakes the thread
        self._listening.join()
        self._udp.close()

    def serve(self, connection: socket.socket, number: int) -> None:
        """Answer questions over TCP: each message has its length before it."""
        with connection.makefile("rb") as heard:
            while len(head := heard.read(2)) == 2:
                (length,) = struct.unpack("!H", head)
                answer = self._answer(heard.read(length), "tcp")
                if answer is None:
                    self.over.wait()
                    return
                connection.sendall(answer if len(answer) > 0xFFFF else struct.pack("!H", len(answer)) + answer)

    def _listen(self) -> None:
        while not self.over.is_set():
            data, sender = self._udp.recvfrom(4096)
            answer = self._answer(data, "udp") if data else None
            if answer is not None:
                with contextlib.suppress(OSError):
                    self._udp.sendto(answer, sender)

    def _answer(self, data: bytes, way: Literal["udp", "tcp"]) -> bytes | None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        name, kind = _plain(query.question[0].name), dns.rdatatype.to_text(query.question[0].rdtype)
        with self.lock:
            self.asked.append((way, name, kind))
        held = self.zone.get(name)
        if held == "SILENCE":
            return None
        if held == "GARBAGE":
            return data[:2] + b"\xff" * 40
        if held == "FLOOD":
            return self._cut(query) if way == "udp" else b"\xff\xff" + data[:2] + b"\xff" * 1_000_000
        if held == "TRUNCATED" and way == "udp":
            return self._cut(query)
        return self._written(query, self._response(query, kind), way)

    def _response(self, query: dns.message.Message, kind: str) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        name = query.question[0].name
        for _ in range(_MOST_LINKS):
            held = self.zone.get(_plain(name))
            if isinstance(held, str):
                refusal = held if held in {"SERVFAIL", "REFUSED"} else "NOERROR"
                response.set_rcode(dns.rcode.from_text(refusal))
                return response
            if held is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                return response
            if kind in held or "CNAME" not in held:
                _add(response, name, kind, held.get(kind, ()))
                return response
            _add(response, name, "CNAME", held["CNAME"])
            name = dns.name.from_text(str(held["CNAME"][0]))
        return response

    def _cut(self, query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.TC
        return response.to_wire()

    def _written(self, query: dns.message.Message, response: dns.message.Message, way: str) -> bytes:
        try:
            return response.to_wire(max_size=512 if way == "udp" else 65535)
        except dns.exception.TooBig:
            return self._cut(query)


def _add(response: dns.message.Message, name: dns.name.Name, kind: str, records: Sequence[str | tuple[str, ...]]) -> None:
    if records:
        texts = [_txt(record) if kind == "TXT" else str(record) for record in records]
        response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *texts))


def _txt(record: str | tuple[str, ...]) -> str:
    strings = record if isinstance(record, tuple) else [record[at : at + _STRING] for at in range(0, len(record) or 1, _STRING)]
    return " ".join('"' + string.replace("\\", "\\\\").replace('"', '\\"') + '"' for string in strings)


def _plain(name: dns.name.Name) -> str:
    return name.to_text().rstrip(".").lower()
