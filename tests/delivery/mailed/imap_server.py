"""A small real IMAP server on loopback with one folder of mails, which may end a conversation as its script says."""

from __future__ import annotations

import re
import socket
import ssl
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field

from digest.testing.loopback import LoopbackServer
from digest.testing.smtp_talk import CLOSE, SILENCE, Over, React, Talk

__all__ = ["CLOSE", "SILENCE", "ImapServer", "Kept", "React"]

_LINE = re.compile(r"(\S+) (UID )?(\w+) ?(.*)", re.IGNORECASE)


@dataclass(slots=True)
class Kept:
    """One mail, its flags, and the folder it lies in."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)
    folder: str = "INBOX"


class ImapServer(LoopbackServer):
    """The server; a context manager. `script` is told each command and may answer in place of it; `login` is what it wants."""

    def __init__(
        self,
        *mails: bytes,
        login: tuple[str, str] = ("bounces", "secret"),
        capabilities: str = "IMAP4rev1 UIDPLUS MOVE",
        script: Callable[[str], React | None] = lambda _: None,
        uid_behind: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls)
        self._uid_behind = uid_behind
        self.kept = [Kept(uid, raw) for uid, raw in enumerate(mails, start=101)]
        self.commands: list[str] = []
        self._login, self._capabilities, self._script = login, capabilities, script

    def add(self, raw: bytes) -> None:
        """One more mail comes."""
        with self.lock:
            self.kept.append(Kept(101 + len(self.kept), raw))

    def unread(self, folder: str = "INBOX") -> int:
        """How many nobody has read."""
        return sum(one.folder == folder and "\\Seen" not in one.flags for one in self.kept)

    def serve(self, connection: socket.socket, number: int) -> None:
        """Speak IMAP."""
        talk = Talk(connection)
        try:
            talk.say("* OK ready")
            while (line := talk.line()) is not None:
                self._obey(talk, line)
        except Over:
            pass
        finally:
            talk.connection.close()

    def _obey(self, talk: Talk, line: str) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            talk.say("* BAD what?")
            return
        tag, by_uid, verb, rest = found[1], found[2] or "", found[3].upper(), found[4]
        command = f"{by_uid.upper()}{verb}"
        with self.lock:
            self.commands.append(command)
        reaction = self._script(command)
        if reaction is not None:
            said = reaction.say.replace("TAG", tag) if isinstance(reaction.say, str) else reaction.say
            talk.do(React(said, end=reaction.end))
            return
        if command == "AUTHENTICATE":
            talk.say("+ ")
            rest = " ".join(b64decode(talk.line() or "").decode().split("\0")[1:])
        for answer in self._answers(command, rest):
            talk.say(answer) if isinstance(answer, str) else talk.connection.sendall(answer)
        known = (
            command not in {"LOGIN", "AUTHENTICATE"}
            or rest == "{} {}".format(*self._login)
            or rest == '{} "{}"'.format(*self._login)
            or rest == '"{}" "{}"'.format(*self._login)
        )
        talk.say(f"{tag} OK done" if known else f"{tag} NO [AUTHENTICATIONFAILED] not {rest}")
        if command == "LOGOUT":
            raise Over

    def _answers(self, command: str, rest: str) -> list[str | bytes]:
        with self.lock:
            match command:
                case "CAPABILITY":
                    return [f"* CAPABILITY {self._capabilities}"]
                case "SELECT":
                    return [f"* {len(self.kept)} EXISTS", "* OK [UIDVALIDITY 7] ok"]
                case "UID SEARCH":
                    found = (one.uid for one in self.kept if one.folder == "INBOX" and "\\Seen" not in one.flags)
                    return [f"* SEARCH {' '.join(map(str, found))}".rstrip()]
                case "UID FETCH":
                    return [part for one in self._named(rest) for part in _fetched(one, self._uid_behind)]
            if command.startswith("UID "):
                for one in self._named(rest):
                    _change(one, command, rest)
            return []

    def _named(self, rest: str) -> list[Kept]:
        uids = {int(uid) for uid in rest.partition(" ")[0].split(",")}
        return [one for one in self.kept if one.uid in uids]


def _fetched(one: Kept, uid_behind: bool) -> list[str | bytes]:
    before, behind = ("", f" UID {one.uid}") if uid_behind else (f"UID {one.uid} ", "")
    return [f"* 1 FETCH ({before}BODY[]<0> {{{len(one.raw)}}}\r\n".encode() + one.raw + f"{behind})\r\n".encode()]


def _change(one: Kept, command: str, rest: str) -> None:
    if command == "UID STORE":
        one.flags |= set(re.findall(r"\\\w+", rest))
    elif command == "UID MOVE":
        one.folder = rest.partition(" ")[2].strip('"')
    elif command == "UID EXPUNGE" and "\\Deleted" in one.flags:
        one.folder = ""
