"""Listening: what providers post of deliveries. Answered 200 once it is verified and committed; it is read afterwards.

Every answer is a line of text: nobody reads a page.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.app.receiving import NoKey
from digest.delivery.providers.webhook import NotGenuine, Posted
from digest.errors import DigestError
from digest.web.site import Site


def routes(site: Site) -> list[Route]:
    """`/webhooks/{provider}`."""

    async def listen(request: Request) -> Response:
        name = request.path_params["provider"]
        if name not in site.reception:
            return _said(404, "there is no such webhook")
        try:
            site.reception.refuse_keyless(name)
            if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
                return _said(415, "it is packed; post it as it is")  # nobody knows how much it is
            headers = {key.lower(): value for key, value in request.headers.items()}
            await run_in_threadpool(site.reception.receive, name, Posted(headers, await request.body()))
        except (NoKey, NotGenuine) as error:
            return _said(403, f"refused: {error}")
        except HTTPException as error:
            return _said(error.status_code, str(error.detail))
        except ClientDisconnect:
            return _said(400, "the request broke off")
        except DigestError:  # the store: the provider tries again
            return _said(503, "it cannot be kept just now; try again")
        return _said(200, "kept")

    return [Route("/webhooks/{provider}", listen, methods=["POST"], name="webhook")]


def _said(status: int, line: str) -> Response:
    return PlainTextResponse(f"{line}\n", status)
