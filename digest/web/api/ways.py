"""Ways: every way into the API, what a token needs for it, and the one place where that is asked.

A route of the API is made here or not at all: what it needs is part of it, so none can be without. A program shows its token in
`Authorization`, which no browser sends of itself: cookies are not looked at, so no other site acts for an editor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from digest.app import App, granting
from digest.editors.scopes import Scope
from digest.editors.tokens import Token
from digest.web.api.pacing import Pace
from digest.web.api.problems import problems
from digest.web.site import Site, network

AT = "/api/v1"
MOST_A_MINUTE = 120
"""So many requests a token may make in a minute, of each process that serves."""

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token from `/editor/tokens` or `digest editor token make`. It holds until its end, and for its scopes alone.",
)
_Given = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
_CHALLENGE = 'Bearer realm="digest"'


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the application at its time, and whose token it is (None where none is asked for)."""

    site: Site
    app: App
    network: str | None
    token: Token | None

    @property
    def actor(self) -> str:
        """Who asks, for histories."""
        return "the API" if self.token is None else self.token.actor


@dataclass(frozen=True, slots=True)
class Way:
    """One method of one path. `needs` is the scope that a token must have; None: nobody needs a token."""

    method: str
    path: str
    needs: Scope | None
    answer: Callable[..., Any]
    summary: str
    refusals: Mapping[int, str] = field(default_factory=dict)
    status: int = 200
    example: Any = None


def call_of(request: Request) -> Call:
    """The call that a request is, behind a way that has let it in."""
    call: Call = request.state.call
    return call


def router(site: Site, ways: Iterable[Way]) -> APIRouter:
    """A route for each way, with its guard."""
    made, pace = APIRouter(prefix=AT), Pace(MOST_A_MINUTE)
    for way in ways:
        said: dict[int | str, dict[str, Any]] = problems(dict(way.refusals) | _REFUSALS if way.needs else dict(way.refusals))
        if way.example is not None:
            said[way.status] = {"content": {"application/json": {"example": way.example}}}
        made.add_api_route(
            way.path,
            way.answer,
            methods=[way.method],
            dependencies=[Depends(_letting_in(site, pace, way.needs) if way.needs else _letting_anybody_in(site))],
            summary=way.summary,
            description=f"{(way.answer.__doc__ or '').strip()}{f' Needs the scope `{way.needs}`.' if way.needs else ''}",
            responses=said,
            status_code=way.status,
            tags=[way.path.split("/")[1]],
        )
    return made


_REFUSALS = {
    401: "No token, or none that is alive",
    403: "The token has not the scope",
    429: "Too many requests in this minute",
}


def _letting_anybody_in(site: Site) -> Callable[[Request], None]:
    def let_in(request: Request) -> None:
        request.state.call = Call(site, site.app(), network(request), None)

    return let_in


def _letting_in(site: Site, pace: Pace, needs: Scope) -> Callable[..., None]:
    def let_in(request: Request, given: _Given) -> None:
        app = site.app()
        token = granting.whose(app, given.credentials) if given else None
        if token is None:
            wrong = ', error="invalid_token"' if given else ""
            raise HTTPException(401, _NO_TOKEN, {"WWW-Authenticate": _CHALLENGE + wrong})
        if needs not in token.scopes:
            wrong = f'{_CHALLENGE}, error="insufficient_scope", scope="{needs}"'
            raise HTTPException(403, f"This needs a token with the scope {needs}.", {"WWW-Authenticate": wrong})
        if seconds := pace.wait(str(token.id)):
            said = f"A token may ask {MOST_A_MINUTE} times in a minute."
            raise HTTPException(429, said, {"Retry-After": str(seconds)})
        request.state.call = Call(site, app, network(request), token)

    return let_in


_NO_TOKEN = "This needs a token that is alive: Authorization: Bearer digest_…"  # noqa: S105  # what is said, and no token
