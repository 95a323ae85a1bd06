"""Health: whether the process lives, and whether it can do its work."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.errors import DigestError
from digest.store.database import revision
from digest.store.migrations import HEAD
from digest.web.site import Site


def routes(site: Site) -> list[Route]:
    """`/healthz` is for whoever restarts what has died; `/readyz` for whoever sends requests here."""

    async def alive(request: Request) -> Response:  # of no thread's: they may all be waiting for the database
        return PlainTextResponse("alive\n")

    def ready(request: Request) -> Response:
        try:
            with site.store.reading() as connection:
                found = revision(connection)
        except (DigestError, SQLAlchemyError):
            return PlainTextResponse("the database is out of reach\n", 503)
        if found != HEAD:
            return PlainTextResponse("the database is of another version; run `digest migrate`\n", 503)
        return PlainTextResponse("ready\n")

    return [Route("/healthz", alive), Route("/readyz", ready)]
