"""The mailbox in which bounces are read, over IMAP (RFC 3501): each mail is marked as read only when it was taken in.

A process that dies in between leaves it unread, and the next one finds that it is known. No mail is fetched beyond what is looked at.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from digest.delivery.mailed.mail import LARGEST
from digest.errors import Unreachable
from digest.settings import Bounces

_UID = re.compile(rb"\bUID (\d+)\b")
_OTHER_LETTERS = re.compile(r"[^ -~]+")
_AT_ONCE = 20


class Mailbox:
    """One visit to the mailbox; a context manager. `Unreachable` says what is wrong, without the password."""

    def __init__(self, settings: Bounces, tls: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        self._settings, self._tls = settings, tls
        self._open: imaplib.IMAP4 | None = None

    def __enter__(self) -> Self:
        try:
            with self._plainly():
                self._open = self._connect()
                self._log_in(self._open)
                self._ask(
                    self._open.select(_quoted(self._settings.folder)), f"bounces.folder: there is no {self._settings.folder}"
                )
        except BaseException:
            self._leave(politely=False)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave(politely=error is None)

    def _leave(self, *, politely: bool) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                if politely:
                    opened.logout()
            with suppress(OSError):
                opened.shutdown()

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """The mails that nobody has read, each with its UID, oldest first; whatever comes meanwhile waits for the next visit."""
        with self._plainly():
            (found,) = self._uid("SEARCH", "UNSEEN")[:1] or [b""]
            uids = [one.decode("ascii") for one in (found or b"").split() if one.isdigit()]
        for start in range(0, len(uids), _AT_ONCE):
            with self._plainly():
                fetched = dict(self._fetch(uids[start : start + _AT_ONCE]))
            yield from ((uid, fetched[uid]) for uid in uids[start : start + _AT_ONCE] if uid in fetched)

    def done(self, uid: str) -> None:
        """This mail was taken in."""
        with self._plainly():
            self._uid("STORE", uid, "+FLAGS", "(\\Seen)")
            if self._settings.done is not None:
                self._move(uid, _quoted(self._settings.done))

    def _move(self, uid: str, folder: str) -> None:
        """RFC 6851 where the server knows it; else a copy, and the original marked as deleted (RFC 4315)."""
        offers = self._opened.capabilities
        if "MOVE" in offers:
            self._uid("MOVE", uid, folder)
            return
        self._uid("COPY", uid, folder)
        self._uid("STORE", uid, "+FLAGS", "(\\Deleted)")
        if "UIDPLUS" in offers:
            self._uid("EXPUNGE", uid)

    def _fetch(self, uids: list[str]) -> Iterator[tuple[str, bytes]]:
        parts = self._uid("FETCH", ",".join(uids), f"(UID BODY.PEEK[]<0.{LARGEST}>)")
        for part, behind in zip(parts, [*parts[1:], b""], strict=True):
            if isinstance(part, tuple) and len(part) == 2:
                # A server may name the UID before the mail or behind it.
                known = _UID.search(part[0]) or _UID.search(behind if isinstance(behind, bytes) else b"")
                if known is not None:
                    yield known[1].decode("ascii"), part[1]

    def _connect(self) -> imaplib.IMAP4:
        settings = self._settings
        host, seconds = settings.host or "", settings.timeout.total_seconds()
        if settings.security == "none":
            return imaplib.IMAP4(host, settings.port, timeout=seconds)
        return imaplib.IMAP4_SSL(host, settings.port, ssl_context=self._tls(), timeout=seconds)

    def _log_in(self, opened: imaplib.IMAP4) -> None:
        settings = self._settings
        password = "" if settings.password is None else settings.password.get_secret_value()
        username = settings.username or ""
        try:
            if f"{username}{password}".isascii():
                opened.login(username, password)
            else:  # LOGIN carries no other letters; this does (RFC 4616)
                opened.authenticate("PLAIN", lambda _: f"\0{username}\0{password}".encode())
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:  # its words may hold what was sent
            raise Unreachable(f"{settings.host} refuses the login of bounces.username; check DIGEST_BOUNCES__PASSWORD") from None

    @property
    def _opened(self) -> imaplib.IMAP4:
        if self._open is None:
            raise LookupError("the mailbox is not open")
        return self._open

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        return self._ask(self._opened.uid(command, *arguments), f"the server refuses {command}")

    def _ask(self, answer: tuple[str, list[Any]], refusal: str) -> list[Any]:
        if answer[0] != "OK":
            raise Unreachable(f"the mailbox at {self._settings.host}: {refusal}")
        return answer[1]

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        where = f"the mailbox at {self._settings.host}:{self._settings.port}"
        try:
            yield
        except imaplib.IMAP4.error as error:
            raise Unreachable(f"{where} answers what is no IMAP: {_short(error)}") from None
        except OSError as error:
            raise Unreachable(f"{where} is out of reach: {_short(error)}") from None


def _quoted(name: str) -> str:
    """A folder's name as IMAP writes it: other letters in its own UTF-7 (RFC 3501, 5.1.3)."""
    name = _OTHER_LETTERS.sub(_in_utf7, name.replace("&", "&-"))
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _in_utf7(found: re.Match[str]) -> str:
    coded = b2a_base64(found[0].encode("utf-16-be"), newline=False).decode("ascii")
    return f"&{coded.rstrip('=').replace('/', ',')}-"


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
