"""Bounces as mail systems write them, made up from what their formats look like: each says what it is from, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass

from digest.delivery.event import Cause, Kind

WRITTEN = "Mon, 23 Nov 2026 10:00:00 +0000"
ORIGINAL = "Return-Path: <{to}>\nFrom: News <news@news.example>\nTo: ann@example.com\nSubject: The weekly\nMessage-ID: <1@news.example>\n"


@dataclass(frozen=True, slots=True)
class Specimen:
    """One bounce, and what it is to be understood as."""

    system: str
    mail: str
    kind: Kind
    cause: Cause | None

    def raw(self, to: str = "bounces@news.example") -> bytes:
        """As it arrives at an address."""
        return self.mail.replace("{to}", to).replace("\n", "\r\n").encode()


def head(sender: str, subject: str, more: str = "") -> str:
    """The head of a bounce."""
    return (
        f"Return-Path: <>\nDelivered-To: {{to}}\nFrom: {sender}\nTo: {{to}}\nSubject: {subject}\nDate: {WRITTEN}\n"
        f"Message-ID: <b1@mx.example>\nMIME-Version: 1.0\n{more}"
    )


def dsn(sender: str, subject: str, told: str, status: str, *, more: str = "") -> str:
    """A report by the standard."""
    return (
        head(sender, subject, more)
        + 'Content-Type: multipart/report; report-type=delivery-status; boundary="B1"\n\n'
        + f"--B1\nContent-Type: text/plain; charset=utf-8\n\n{told}\n\n"
        + f"--B1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\nArrival-Date: {WRITTEN}\n\n{status}\n\n"
        + f"--B1\nContent-Type: message/rfc822\n\n{ORIGINAL}\nThe news.\n\n--B1--\n"
    )


def plain(sender: str, subject: str, told: str, more: str = "") -> str:
    """A bounce in a system's own words."""
    return f"{head(sender, subject, more)}Content-Type: text/plain; charset=utf-8\n\n{told}\n"


def recipient(action: str, status: str, diagnostic: str = "") -> str:
    """A group of fields about a recipient."""
    more = f"\nDiagnostic-Code: {diagnostic}" if diagnostic else ""
    return f"Final-Recipient: rfc822; ann@example.com\nAction: {action}\nStatus: {status}{more}"


B, D = Kind.BOUNCED, Kind.DEFERRED
SPECIMENS = (
    Specimen(
        "Postfix, unknown user",
        dsn(
            "MAILER-DAEMON@mx.example (Mail Delivery System)",
            "Undelivered Mail Returned to Sender",
            "This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered.",
            recipient(
                "failed",
                "5.1.1",
                "smtp; 550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown in\n    virtual mailbox table",
            ),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Postfix, delayed",
        dsn(
            "MAILER-DAEMON@mx.example (Mail Delivery System)",
            "Delayed Mail (still being retried)",
            "####################\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #",
            recipient("delayed", "4.4.1", "X-Postfix; connect to mx.example.com[192.0.2.1]:25: Connection timed out"),
        ),
        D,
        None,
    ),
    Specimen(
        "Postfix, gave up",
        dsn(
            "MAILER-DAEMON@mx.example (Mail Delivery System)",
            "Undelivered Mail Returned to Sender",
            "I'm sorry.",
            recipient("failed", "4.4.1", "X-Postfix; connect to mx.example.com[192.0.2.1]:25: Connection timed out"),
        ),
        B,
        Cause.TIMED_OUT,
    ),
    Specimen(
        "Exim, its own words",
        plain(
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or"
            " more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  ann@example.com\n    host mx.example.com"
            " [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<ann@example.com>:\n    550 No such user here\n\n"
            "------ This is a copy of the message, including all the headers. ------\n\n" + ORIGINAL,
            "X-Failed-Recipients: ann@example.com\nAuto-Submitted: auto-replied\n",
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Exim, delayed",
        plain(
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Warning: message 1abcde-000000-00 delayed 24 hours",
            "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or"
            " more of its\nrecipients after more than 24 hours on the queue on mx.example.\n\nNo action is required on your part. Delivery"
            " attempts will continue for\nsome time.",
        ),
        D,
        None,
    ),
    Specimen(
        "Sendmail, full mailbox",
        dsn(
            "Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
            "Returned mail: see transcript for details",
            "   ----- The following addresses had permanent fatal errors -----\n<ann@example.com>\n    (reason: 552 5.2.2 Over quota)",
            recipient("failed", "5.2.2", "SMTP; 552 5.2.2 Over quota"),
        ),
        B,
        Cause.OTHER,
    ),
    Specimen(
        "qmail",
        plain(
            "MAILER-DAEMON@mx.example",
            "failure notice",
            "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following"
            " addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<ann@example.com>:\n192.0.2.1 does not like"
            " recipient.\nRemote host said: 550 5.1.1 <ann@example.com>: unknown recipient\nGiving up on 192.0.2.1.\n\n"
            "--- Below this line is a copy of the message.\n\n" + ORIGINAL,
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Exchange Online, not found",
        dsn(
            '"Microsoft Outlook" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.com>',
            "Undeliverable: The weekly",
            "Your message to ann@example.com couldn't be delivered.\n\nann wasn't found at example.com.",
            recipient(
                "failed", "5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
            ),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Exchange Online, directory block",
        dsn(
            "postmaster@example.com",
            "Undeliverable: The weekly",
            "Delivery has failed to these recipients or groups:",
            recipient(
                "failed",
                "5.4.1",
                "smtp;550 5.4.1 Recipient address rejected: Access denied. [DB5EUR01FT1.eop-EUR01.prod.protection.outlook.com]",
            ),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Outlook.com",
        dsn(
            "postmaster@outlook.example",
            "Delivery Status Notification (Failure)",
            "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed.",
            recipient("failed", "5.5.0", "smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Outlook.com, the sender's network",
        dsn(
            "postmaster@outlook.example",
            "Undeliverable",
            "Delivery failed.",
            recipient(
                "failed",
                "5.7.1",
                "smtp; 550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent. Please contact your Internet"
                " service provider since part of their network is on our block list (S3140).",
            ),
        ),
        B,
        Cause.BLOCKED,
    ),
    Specimen(
        "Gmail, no such address",
        dsn(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            "** Address not found **\n\nYour message wasn't delivered to ann@example.com because the address couldn't be found.",
            recipient(
                "failed",
                "5.1.1",
                "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try\n 550 5.1.1 double-checking",
            ),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Gmail, full",
        dsn(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            "Your message wasn't delivered.",
            recipient("failed", "4.2.2", "smtp; 452-4.2.2 The email account that you tried to reach is over quota."),
        ),
        B,
        Cause.OTHER,
    ),
    Specimen(
        "Gmail, called spam",
        dsn(
            "mailer-daemon@googlemail.com",
            "Delivery Status Notification (Failure)",
            "Message blocked",
            recipient(
                "failed",
                "5.7.1",
                "smtp; 550-5.7.1 [192.0.2.9] Our system has detected that this message is\n 550 5.7.1 likely unsolicited mail.",
            ),
        ),
        B,
        Cause.SPAM,
    ),
    Specimen(
        "Yahoo",
        plain(
            "MAILER-DAEMON@yahoo.example",
            "Failure Notice",
            "Sorry, we were unable to deliver your message to the following address.\n\n<ann@example.com>:\n554: delivery error: dd This user"
            " doesn't have a yahoo.example account (ann@example.com) [0]\n\n--- Below this line is a copy of the message.\n\n"
            + ORIGINAL,
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Domino",
        dsn(
            "Postmaster@example.com",
            "DELIVERY FAILURE: User ann (ann@example.com) not listed in Domino Directory",
            "Your message\n\n  Subject: The weekly\n\nwas not delivered to:\n\n  ann@example.com\n\nbecause:\n\n  User ann not listed in Domino Directory",
            recipient("failed", "5.1.1", "X-Notes; User ann (ann@example.com) not listed in Domino Directory"),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "GroupWise",
        plain(
            "Mailer-Daemon@gw.example.com",
            "Message status - undeliverable",
            "The message that you sent was undeliverable to the following:\n\tann@example.com (user not found)\n\nPossibly truncated original"
            " message follows:",
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "MDaemon",
        plain(
            "MDaemon@example.com",
            "Warning: ann@example.com - User unknown!",
            "The following recipient did not receive your message:\n\nann@example.com - no such user here.\n\nThere is no user by that name at this"
            " server.",
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "hMailServer",
        plain(
            "mailer-daemon@example.com",
            "Message undeliverable: The weekly",
            "Your message did not reach some or all of the intended recipients.\n\n   Sent: Mon, 23 Nov 2026 10:00:00 +0000\n   Subject: The"
            " weekly\n\nThe following recipient(s) could not be reached:\n\nann@example.com\n   Error Type: SMTP\n   Remote server (192.0.2.1)"
            " issued an error.\n   hMailServer sent: RCPT TO:<ann@example.com>\n   Remote server replied: 550 Unknown user",
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Zimbra, over quota",
        dsn(
            "MAILER-DAEMON@zimbra.example.com (Mail Delivery System)",
            "Undelivered Mail Returned to Sender",
            "This is the mail system at host zimbra.example.com.",
            recipient("failed", "5.2.2", "smtp; 552 5.2.2 Over quota"),
        ),
        B,
        Cause.OTHER,
    ),
    Specimen(
        "Amazon SES",
        dsn(
            "MAILER-DAEMON@eu-west-1.amazonses.example",
            "Delivery Status Notification (Failure)",
            "An error occurred while trying to deliver the mail to the following recipients:\nann@example.com",
            recipient("failed", "5.1.1", "smtp; 550 5.1.1 user unknown"),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "iCloud, over quota",
        dsn(
            "Mail Delivery System <MAILER-DAEMON@mx.example>",
            "Undelivered Mail Returned to Sender",
            "Sorry.",
            recipient(
                "failed", "5.2.2", "smtp; 552 5.2.2 <ann@icloud.example>: user is over quota (in reply to RCPT TO command)"
            ),
        ),
        B,
        Cause.OTHER,
    ),
    Specimen(
        "Proton Mail, disabled",
        dsn(
            "MAILER-DAEMON@mail.proton.example",
            "Undelivered Mail Returned to Sender",
            "Sorry.",
            recipient(
                "failed", "5.1.1", "smtp; 550 5.1.1 <ann@proton.example>: Recipient address rejected: Address does not exist"
            ),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "GMX",
        plain(
            '"GMX Mailer Daemon" <mailer-daemon@gmx.example>',
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to\none or more of"
            " its recipients. This is a permanent error.\n\nThe following address failed:\n\nann@gmx.example:\nSMTP error from remote server for RCPT"
            " TO command, host: mx00.gmx.example\nreason: 550 Requested action not taken: mailbox unavailable",
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Mail.ru",
        plain(
            "mailer-daemon@corp.mail.example",
            "Mail failure.",
            "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.\n\nК сожалению, Ваше письмо не может быть\nдоставлено"
            " одному или нескольким получателям:\n\n**********************\nann@mail.example\nuser not found\n**********************",
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "Yandex",
        dsn(
            "mailer-daemon@yandex.example",
            "Недоставленное сообщение",
            "Это письмо отправлено почтовым сервером yandex.example.\n\nК сожалению, мы вынуждены сообщить Вам о том, что Ваше письмо не может\nбыть"
            " отправлено.",
            recipient("failed", "5.1.1", "smtp; 550 5.7.1 No such user!"),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "CommuniGate",
        dsn(
            "MAILER-DAEMON@cg.example.com",
            "Undeliverable mail: The weekly",
            "Failed to deliver to 'ann@example.com'\nLOCAL module(account ann) reports:\n mailbox is full",
            recipient("failed", "5.0.0"),
        ),
        B,
        Cause.OTHER,
    ),
    Specimen(
        "no such domain",
        dsn(
            "MAILER-DAEMON@mx.example",
            "Undelivered Mail Returned to Sender",
            "Sorry.",
            recipient(
                "failed",
                "5.4.4",
                "X-Postfix; Host or domain name not found. Name service error for name=gone.example type=AAAA: Host not found",
            ),
        ),
        B,
        Cause.INVALID,
    ),
    Specimen(
        "delivered, by a relay that says so",
        dsn(
            "MAILER-DAEMON@mx.example",
            "Successful Mail Delivery Report",
            "Your message was delivered.",
            recipient("delivered", "2.1.5", "smtp; 250 ok"),
        ),
        Kind.DELIVERED,
        None,
    ),
)
