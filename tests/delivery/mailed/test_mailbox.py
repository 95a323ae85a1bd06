"""The mailbox is visited over TLS, and left as it was but for what was taken in."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from digest.delivery.mailed.mail import LARGEST
from digest.delivery.mailed.mailbox import Mailbox
from digest.errors import Unreachable
from digest.settings import Bounces
from tests.delivery.mailed.imap_server import ImapServer

MAILS = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(45)]


def settings(server: ImapServer, *, security: str = "tls") -> Bounces:
    return Bounces.model_validate(
        {"host": "127.0.0.1", "port": server.port, "security": security, "username": "bounces", "password": SecretStr("secret")}
        | {"timeout": timedelta(seconds=5)}
    )


def test_mails_are_read_in_their_order_over_tls(server_tls: ssl.SSLContext, trusted: Path) -> None:
    with ImapServer(*MAILS, tls=server_tls) as server:
        with Mailbox(settings(server)) as mailbox:
            read = list(mailbox.unread())
            assert [raw for _, raw in read] == MAILS
            assert server.unread() == 45  # to look at them marks none
            for uid, _ in read[:-1]:
                mailbox.done(uid)
        assert server.unread() == 1
        assert server.commands[-1] == "LOGOUT"
        assert server.commands.count("UID FETCH") == 3
        with Mailbox(settings(server)) as mailbox:
            assert [raw for _, raw in mailbox.unread()] == MAILS[-1:]


def test_a_certificate_that_is_not_trusted_is_out_of_reach_and_no_password_is_said(server_tls: ssl.SSLContext) -> None:
    with ImapServer(*MAILS, tls=server_tls) as server:
        with pytest.raises(Unreachable, match="out of reach"), Mailbox(settings(server)):
            pass
        assert server.commands == []


def test_folders_and_passwords_may_have_letters_of_every_language() -> None:
    with ImapServer(*MAILS[:1], login=("jürgen", "pässwort")) as server:
        mine = settings(server, security="none").model_copy(
            update={
                "username": "jürgen",
                "password": SecretStr("pässwort"),
                "folder": "Rückläufer",
                "done": "mail & more/台北/日本語",
            }
        )
        with Mailbox(mine) as mailbox:
            for uid, _ in mailbox.unread():
                mailbox.done(uid)
        assert server.kept[0].folder == "mail &- more/&U,BTFw-/&ZeVnLIqe-"  # the example of RFC 3501
        with pytest.raises(Unreachable, match="refuses the login"), Mailbox(mine.model_copy(update={"username": "jörg"})):
            pass


def test_nobody_there_is_out_of_reach() -> None:
    with ImapServer() as server:
        gone = settings(server, security="none")
    with pytest.raises(Unreachable, match="out of reach"), Mailbox(gone):
        pass


def test_no_more_of_a_mail_is_asked_for_than_is_looked_at() -> None:
    asked: list[str] = []

    class Listening(ImapServer):
        def _answers(self, command: str, rest: str) -> list[str | bytes]:
            asked.append(f"{command} {rest}")
            return super()._answers(command, rest)

    with Listening(b"x") as server, Mailbox(settings(server, security="none")) as mailbox:
        assert [raw for _, raw in mailbox.unread()] == [b"x"]
    assert f"UID FETCH 101 (UID BODY.PEEK[]<0.{LARGEST}>)" in asked
