"""Subscribers: adding one, who is asked by mail, and everything that is known of one.

Addresses stand in bodies and never in a path or a query: those are written into logs on the way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import HTTPException, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from digest.app import enlisting, knowing
from digest.audience.consent import Evidence, Source
from digest.editors import audit
from digest.editors.scopes import Scope
from digest.errors import UsageError
from digest.web.api.ways import Way, call_of
from digest.web.forms import storable

_REFUSALS = {400: "No JSON at all", 413: "Too large", 422: "What cannot be read, or chosen"}
_Text = Annotated[str, AfterValidator(storable), Field(max_length=254)]


class Person(BaseModel):
    """Who is meant."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    email: _Text = Field(min_length=3, json_schema_extra={"format": "email"}, examples=["ann@example.com"])


class Added(Person):
    """Who is to get what. What is not given stays as it is, or is as usual."""

    newsletter: _Text | None = Field(None, description="The newsletter's slug; needed where there are several.")
    name: _Text | None = None
    topics: list[_Text] | None = Field(None, max_length=200, description="Topics by their slugs; an empty list means all.")
    frequency: _Text | None = None
    timezone: _Text | None = Field(None, examples=["Europe/Berlin"])
    language: _Text | None = Field(None, examples=["de"])
    wording: Annotated[str, AfterValidator(storable)] | None = Field(
        None, max_length=1000, description="What the person agreed to, as your form says it; kept as evidence."
    )


class Joined(BaseModel):
    """What became of it."""

    outcome: str = Field(
        description="`added`, `updated`, `unchanged`, or `kept_away`: they had left, and only they can come back."
    )
    newsletter: str
    state: str = Field(description="`pending` until they confirm, by the mail that asks them.", examples=["pending"])
    topics: str
    frequency: str
    suppressed: bool = Field(description="The address must not be mailed, whatever it is subscribed to.")
    written: bool = Field(description="Whether a mail now asks them to confirm: at most one in an hour.")
    created_at: datetime
    confirmed_at: datetime | None


def ways() -> list[Way]:
    """Adding one, and showing one."""
    return [
        Way("POST", "/subscribers", Scope.SUBSCRIBERS_WRITE, add, "Add somebody, or change what they get", _REFUSALS),
        Way(
            "POST",
            "/subscribers/show",
            Scope.SUBSCRIBERS_READ,
            show,
            "Everything that is known of somebody",
            _REFUSALS | {404: "Nobody is known by it"},
            example={"email": "ann@example.com", "subscriptions": [], "consent": [], "deliveries": []},
        ),
    ]


def add(request: Request, wanted: Added) -> Joined:
    """They are asked by mail, and get nothing before they have confirmed: no token can vouch for anybody. Who has left is not
    brought back. Of somebody who has confirmed already, what is given changes at once."""
    call = call_of(request)
    proof = Evidence(Source.PROGRAM, None, wanted.wording, "program" if wanted.wording else None)
    terms = enlisting.Terms(
        name=wanted.name,
        topics=None if wanted.topics is None else " ".join(wanted.topics),
        frequency=wanted.frequency,
        timezone=wanted.timezone,
        language=wanted.language,
    )
    try:
        done = enlisting.add(call.app, wanted.email, wanted.newsletter, terms, evidence=proof)
    except UsageError as error:
        raise HTTPException(422, str(error)) from None
    call.site.wake()
    joined, one = done.joined, done.joined.subscription
    with call.app.store.writing() as connection:
        about = f"{one.newsletter}: subscriber {joined.subscriber.id}, {joined.outcome}"
        audit.write_down(connection, audit.Line(call.app.now, call.actor, "added a subscriber", about, call.network))
    return Joined(
        outcome=joined.outcome.value,
        newsletter=one.newsletter,
        state=one.state.value,
        topics=one.topics,
        frequency=one.frequency,
        suppressed=joined.suppressed,
        written=done.written,
        created_at=one.created_at,
        confirmed_at=one.confirmed_at,
    )


def show(request: Request, wanted: Person) -> dict[str, Any]:
    """What they get, agreed to and took back, and every mail to them; as `digest subscribers show --json` says it."""
    try:
        return knowing.story(call_of(request).app, wanted.email)
    except UsageError as error:
        raise HTTPException(404 if str(error).startswith("nobody") else 422, str(error)) from None
