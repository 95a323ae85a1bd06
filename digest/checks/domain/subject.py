"""What the doctor is to look at: the sender, and each way by which mails leave."""

from __future__ import annotations

from dataclasses import dataclass

from digest.checks.domain.answers import plain_name

_RESERVED = frozenset({"example", "test", "invalid", "localhost", "local"})
_RESERVED_DOMAINS = frozenset({"example.com", "example.net", "example.org"})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA key, as one can compare it."""

    modulus: int
    exponent: int

    @property
    def bits(self) -> int:
        """Its length."""
        return self.modulus.bit_length()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key Digest itself signs with: whose, under which selector, and its public half."""

    domain: str
    selector: str
    public: PublicKey

    @property
    def name(self) -> str:
        """Where it has to be published."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True)
class Way:
    """One provider, and what is known of how its mails look to receivers.

    `return_path` is the domain of the envelope's sender, `usual_return_path` the one that the service suggests, each None
    where that is not known. `include` is what the SPF record of the return path has to include. `signs_as` is the domain
    that signs, `selectors` are the usual ones. `relay` is the host that SMTP hands mails to.
    """

    provider: str
    title: str
    return_path: str | None = None
    usual_return_path: str | None = None
    include: str | None = None
    signs_as: str | None = None
    selectors: tuple[str, ...] = ()
    key: SigningKey | None = None
    relay: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """The domain in From, that of Reply-To where there is one, and the ways."""

    domain: str
    reply_domain: str | None
    ways: tuple[Way, ...]


def is_reserved(host: str) -> bool:
    """Whether a name is one for examples, tests or the local network, which nobody can receive mail from (RFC 2606, 6761)."""
    name = plain_name(host)
    return name.rpartition(".")[2] in _RESERVED or any(
        name == domain or name.endswith(f".{domain}") for domain in _RESERVED_DOMAINS
    )
