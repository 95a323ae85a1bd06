"""What an installation is judged by without asking anybody: who may read its secrets, and what stands in the sender."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from digest.checks.domain.subject import is_reserved
from digest.checks.finding import Finding, Severity, note, warning, well

_OTHERS = 0o077
_UNREAD = ("noreply", "no-reply", "donotreply", "do-not-reply")


def judge_modes(modes: Mapping[str, int]) -> Iterator[Finding]:
    """The files that hold secrets, by the name they are shown by, with their modes."""
    open_ones = {name: mode for name, mode in modes.items() if mode & _OTHERS}
    for name, mode in open_ones.items():
        yield warning(f"file {name}", f"it holds a secret, and others may use it (mode {mode & 0o777:04o})", f"chmod 600 {name}")
    if modes and not open_ones:
        yield well("files with secrets", f"for their owner alone: {', '.join(modes)}")


def judge_sender(address: str, reply_to: str | None, *, sends: bool) -> Iterator[Finding]:
    """The sender's address and that of replies."""
    local, _, domain = address.rpartition("@")
    if is_reserved(domain):
        severity = Severity.ERROR if sends else Severity.WARNING
        what = f"{domain} is reserved for examples and tests, and receivers refuse mail from it"
        yield Finding(severity, "sender.address", what, "set it to an address of yours")
    elif local in _UNREAD and reply_to is None:
        yield note(
            "sender.address",
            f"{address} reads as if nobody did, and there is no reply_to",
            "set sender.reply_to: answers are worth having",
        )
    else:
        yield well("sender.address", address)
    if reply_to is not None and is_reserved(reply_to.rpartition("@")[2]):
        yield warning(
            "sender.reply_to",
            f"{reply_to} is at a name reserved for examples and tests, so replies are lost",
            "set it to an address of yours",
        )
