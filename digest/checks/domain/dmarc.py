"""DMARC: what receivers do with mails that neither SPF nor DKIM shows to be yours (RFC 9989)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from digest.checks.domain.answers import Book, Kind, is_name, plain_name, shown
from digest.checks.domain.dmarc_record import POLICIES, Published, organisational_domain, walk_up
from digest.checks.domain.subject import Subject, Way
from digest.checks.domain.tag_list import begins
from digest.checks.finding import Finding, error, note, warning, well

_MAILTO = re.compile(r"mailto:[^@\s,!]+@([A-Za-z0-9.-]+)(![0-9]+[kmgt]?)?", re.IGNORECASE)
_EXAMPLE = '"v=DMARC1; p=none; rua=mailto:YOUR-ADDRESS"'


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force for a domain, and the record it comes from."""

    domain: str
    tags: dict[str, str]
    inherited: bool

    @property
    def name(self) -> str:
        """`none`, `quarantine` or `reject`; a word that is none of these counts as `none` (RFC 9989, 4.7)."""
        own = self.tags.get("p", "none").lower()
        told = self.tags.get("sp", own).lower() if self.inherited else own
        return told if told in POLICIES else "none"

    @property
    def enforced(self) -> bool:
        """Whether receivers are to act: BIMI wants it for every mail."""
        return self.name != "none" and self.tags.get("pct", "100") == "100" and self.tags.get("t", "n").lower() != "y"


def policy_of(book: Book, domain: str) -> Policy | None:
    """The policy that receivers find: the domain's own, else that of its organisational domain, else that of the registry above."""
    own = walk_up(book, domain)[0].tags
    if own is not None:
        return Policy(domain, own, inherited=False)
    top = organisational_domain(book, domain)
    above = {one.domain: one.tags for one in walk_up(book, domain)[1:] if one.tags is not None}
    registry = next((name for name, tags in above.items() if tags.get("psd", "").lower() == "y"), None)
    found = top if top in above else registry
    return None if found is None else Policy(found, above[found], inherited=True)


def examine_dmarc(book: Book, subject: Subject) -> Iterator[Finding]:
    """The record, its policy, where reports go, and whether the mails of each way can align."""
    where = f"DMARC of {subject.domain}"
    walked = walk_up(book, subject.domain)
    yield from _broken(walked)
    policy = policy_of(book, subject.domain)
    if policy is None:
        doubtful = [one for one in walked if not one.answer.known]
        if doubtful:
            what = f"it could not be looked up: {doubtful[0].answer.status}"
            yield warning(where, what, "run `digest doctor` again; ask who keeps the name servers")
        elif not any(one.texts for one in walked):
            what = "there is no record, and large receivers refuse newsletters without one"
            yield error(where, what, f"publish a TXT record at _dmarc.{subject.domain}, such as {_EXAMPLE}")
        return
    yield from _policy(where, policy)
    yield from _reports(book, where, policy)
    for way in subject.ways:
        yield from _alignment(book, subject.domain, way, policy)


def _broken(walked: list[Published]) -> Iterator[Finding]:
    for one in walked:
        where = f"DMARC of {one.domain}"
        if len(one.texts) > 1:
            yield error(where, f"there are {len(one.texts)} records at _dmarc.{one.domain}, so receivers heed none", "leave one")
        elif one.texts and one.tags is None:
            yield error(where, f"the record does not parse: {shown(one.texts[0])}", f"write it as {_EXAMPLE}")


def _policy(where: str, policy: Policy) -> Iterator[Finding]:
    source = f" (of {policy.domain})" if policy.inherited else ""
    told = policy.tags.get("p", "").lower()
    if told not in POLICIES:
        yield error(where, f"its p is {shown(told)}, which is no policy", "write p=none, p=quarantine or p=reject")
    elif policy.enforced:
        yield well(where, f"policy {policy.name}{source}")
    elif policy.name == "none":
        mend = "when the reports show that all your mail passes, go on to p=quarantine"
        yield note(where, f"policy none{source}: receivers only watch", mend)
    else:
        yield note(
            where, f"policy {policy.name}{source}, not for every mail (pct or t)", "remove pct and t when the reports are clean"
        )


def _reports(book: Book, where: str, policy: Policy) -> Iterator[Finding]:
    uris = [uri.strip() for uri in policy.tags.get("rua", "").split(",") if uri.strip()]
    if not uris:
        mend = "add rua=mailto:YOUR-ADDRESS: the reports tell who sends in your name, and what fails"
        yield warning(where, "it names no address for reports (rua)", mend)
    for uri in uris:
        match = _MAILTO.fullmatch(uri)
        if match is None:
            yield warning(where, f"its rua {shown(uri)} is no mailto: address", "write rua=mailto:YOUR-ADDRESS")
        elif not _takes_reports(book, policy.domain, plain_name(match[1])):
            name = f"{policy.domain}._report._dmarc.{match[1]}"
            what = f"its reports go to {match[1]}, which does not say that it takes them"
            yield warning(where, what, f'a TXT record "v=DMARC1" is wanted at {name}')


def _takes_reports(book: Book, domain: str, target: str) -> bool:
    """Whether a domain takes reports about another (RFC 9990, 4); what could not be looked up counts as yes."""
    if organisational_domain(book, domain) == organisational_domain(book, target):
        return True
    answer = book.ask(f"{domain}._report._dmarc.{target}", Kind.TXT)
    return not answer.known or any(begins(text, "DMARC1") for text in answer.records)


def _alignment(book: Book, sender: str, way: Way, policy: Policy) -> Iterator[Finding]:
    strict = policy.tags.get("adkim", "r").lower() == "s"
    signed = _aligned(book, sender, way.signs_as, strict=strict)
    returned = _aligned(book, sender, way.return_path, strict=policy.tags.get("aspf", "r").lower() == "s")
    where, test = f"DMARC alignment by {way.provider}", "send yourself a test and look for dmarc=pass"
    if signed is False:
        yield _apart(where, sender, way.signs_as or "", strict=strict, returned=returned)
    elif signed and way.key is None:
        yield note(where, f"{way.title} signs as {way.signs_as} once it has verified it, and that aligns", test)
    elif signed:
        yield well(where, f"the signature of {way.signs_as} aligns" + (", and so does the return path" if returned else ""))
    elif returned:
        what = "the return path aligns; a mail that is forwarded passes only if the relay signs it, too"
        yield note(where, what, "set up [providers.smtp.dkim], or see that the relay signs as your domain")
    else:
        yield note(where, f"nothing is known of how {way.title} signs", test)


def _apart(where: str, sender: str, signer: str, *, strict: bool, returned: bool | None) -> Finding:
    """The signature does not align: what that means goes by whether the names are related, and by the return path."""
    common = "" if strict else _common(sender, signer)
    if common:
        what = f"whether the signature of {signer} aligns with {sender} depends on the receiver: no record says that they belong together"
        return warning(where, what, f"publish a DMARC record at _dmarc.{common}")
    what = f"the signature of {signer} does not align with {sender}"
    mend = f"sign as {sender}" + ("" if strict else " or a domain above or below it")
    if returned:
        return warning(where, what, mend)
    also = "and neither does the return path" if returned is False else "and of the return path nothing is known"
    return error(where, f"{what}, {also}", mend)


def _aligned(book: Book, sender: str, other: str | None, *, strict: bool) -> bool | None:
    if other is None or not is_name(plain_name(other)):
        return None
    if plain_name(other) == plain_name(sender):
        return True
    return not strict and organisational_domain(book, plain_name(other)) == organisational_domain(book, sender)


def _common(one: str, other: str) -> str:
    """The domain that both are below, or are; empty when it is a top-level one: receivers with a list may tell by it."""
    shared: list[str] = []
    for label, its_like in zip(reversed(one.split(".")), reversed(other.split(".")), strict=False):
        if label != its_like:
            break
        shared.insert(0, label)
    return ".".join(shared) if len(shared) > 1 else ""
