"""The entrance: every way into the API, and the routes that they make."""

from __future__ import annotations

from fastapi import APIRouter

from digest.web.api import articles, issues, signing_up, subscribers, ways
from digest.web.api.ways import Way
from digest.web.site import Site


def all_ways() -> list[Way]:
    """All of them."""
    return [*signing_up.ways(), *issues.ways(), *articles.ways(), *subscribers.ways()]


def router(site: Site) -> APIRouter:
    """`/api/v1/...`."""
    return ways.router(site, all_ways())
