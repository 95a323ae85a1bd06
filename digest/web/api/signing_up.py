"""Signing up from a publisher's own site, by the rules of the page, in JSON. Anybody may: no token is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import HTTPException, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from digest.app import signing_up
from digest.app.allowing import price
from digest.app.signing_up import SignUp
from digest.audience.consent import Source
from digest.audience.proving import Proof
from digest.errors import UsageError
from digest.web.api.ways import Way, call_of
from digest.web.forms import storable
from digest.web.site import Site, evidence

_REFUSALS = {400: "No JSON at all", 413: "Too large", 422: "What cannot be read, or chosen"}
_Text = Annotated[str, AfterValidator(storable), Field(max_length=254)]


class Wanted(BaseModel):
    """Who wants what."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    email: _Text = Field(
        min_length=3, json_schema_extra={"format": "email"}, description="The address; a mail to it asks for the confirmation."
    )
    newsletter: _Text = Field("", description="The newsletter's slug; needed where there are several.")
    topics: list[_Text] | None = Field(None, max_length=200, description="Topics by their slugs; none means all of them.")
    frequency: _Text = Field("", description="One of those that the newsletter offers.")
    timezone: _Text = Field("", description="An IANA name such as Europe/Berlin.")
    language: _Text = Field("", description="A tag such as de.")
    wording: Annotated[str, AfterValidator(storable)] = Field(
        "", max_length=1000, description="What the person agreed to, as your form says it; kept as evidence."
    )
    challenge: _Text = Field("", description="From /api/v1/challenge; without one a network may ask less often.")
    proof: _Text = Field("", description="The number that solves the challenge; without it, wait before you ask.")


class Answer(BaseModel):
    """The same for every address, whatever is known of it."""

    status: str = Field(description="What comes next, for a person.")


class Challenge(BaseModel):
    """What to solve: find a number such that SHA-256 of `challenge.number` begins with so many zero bits; or wait."""

    challenge: str
    bits: int
    wait_seconds: int


def ways() -> list[Way]:
    """`/api/v1/challenge` and `/api/v1/subscriptions`."""
    return [
        Way("GET", "/challenge", None, challenge, "What makes a sign-up credible"),
        Way("POST", "/subscriptions", None, subscribe, "Sign somebody up", _REFUSALS, 202),
    ]


def challenge(request: Request) -> Challenge:
    """To be solved, or waited for, before somebody is signed up."""
    app = call_of(request).app
    cost = price(app)
    wait = int(cost.wait.total_seconds())
    return Challenge(challenge=signing_up.challenge(app, cost), bits=cost.bits, wait_seconds=wait)


def subscribe(wanted: Wanted, request: Request) -> Answer:
    """By the rules of the page: a mail to the address asks for the confirmation, and whoever asks is told the same."""
    return _subscribe(call_of(request).site, request, wanted)


def _subscribe(site: Site, request: Request, wanted: Wanted) -> Answer:
    app = site.app()
    try:
        newsletter = signing_up.newsletter_of(app, wanted.newsletter)
        sign_up = SignUp(wanted.email, newsletter, wanted.topics, wanted.frequency, wanted.timezone, wanted.language)
        signing_up.check(sign_up)
    except UsageError as error:
        raise HTTPException(422, str(error)) from None
    proved = False
    if wanted.challenge:
        judged = signing_up.price_paid(app, wanted.challenge, wanted.proof, price(app))
        if judged.proof is not Proof.GOOD:
            raise HTTPException(422, f"challenge: {judged.proof}; take a new one, and solve it or wait")
        proved = True
    proof = replace(
        evidence(request, Source.API), wording=wanted.wording or None, wording_version="api" if wanted.wording else None
    )
    signing_up.ask(app, sign_up, proof, proved=proved, challenge=wanted.challenge)
    site.wake()
    return Answer(status="if this address can be written to, a mail asks for the confirmation")
