"""What can be configured of a sign-in by OpenID Connect: the table `[editors.oidc]`."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from digest.settings.table import Table
from digest.settings.types import Line, WebAddress


class OpenId(Table):
    """Who vouches for editors beside their mailbox. Whom it lets in, and as what, stands in `[editors]`."""

    issuer: WebAddress | None = Field(
        None,
        description="The provider, as it names itself, such as `https://login.example.com`; without one links alone let somebody in. Plain http only on this machine.",
    )
    client_id: Line = Field("", description="What the provider calls this desk.")
    client_secret: SecretStr | None = Field(
        None,
        description="Shows the provider that it is this desk; where it gave none, PKCE alone does. Only by environment, `.env` or a secrets folder.",
    )
    name: Line = Field("OpenID Connect", min_length=1, max_length=60, description="What the button calls it: *Sign in with …*.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer is None:
            if self.client_id or self.client_secret is not None:
                raise ValueError("issuer: name the provider whose client this is")
            return self
        if not self.client_id:
            raise ValueError("client_id: the provider has given one; without it nobody can be sent there")
        if "?" in self.issuer or "#" in self.issuer:
            raise ValueError("issuer: must end with its host or path")
        if not may_be_asked(self.issuer, self.issuer):
            raise ValueError("issuer: must be https; plain http only for a provider on this machine, to try it out")
        return self


def may_be_asked(address: str, issuer: str) -> bool:
    """Whether an address is safe to be asked for an issuer: https, or, where the issuer is on this machine by plain http, there too."""
    parts, base = urlsplit(address), urlsplit(issuer)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == base.scheme == "http" and _is_this_machine(parts.hostname) and _is_this_machine(base.hostname)


def _is_this_machine(host: str | None) -> bool:
    try:
        return host is not None and (host.rstrip(".") == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False
