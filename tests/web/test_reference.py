"""The reference of HTTP says what there is."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.routing import Route

from digest.web.application import make_application
from tests.journeys.project import Project

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"
_ROW = re.compile(r"^\| (`/[^|]+) \| ([A-Z, ]+) \|", re.MULTILINE)


def test_the_reference_names_every_route_with_its_methods_and_no_other(project: Project) -> None:
    with project.app() as app:
        application = make_application(app.settings, app.store)
    routes = [one for one in application.routes if isinstance(one, Route)]
    there = {(re.sub(r"-[0-9a-f]{12}\.", "-{hash}.", one.path), method) for one in routes for method in one.methods or ()}
    there |= {(path, method.upper()) for path, methods in application.openapi()["paths"].items() for method in methods}
    told = set()
    for paths, methods in _ROW.findall(PAGE.read_text(encoding="utf-8")):
        first, *endings = re.findall(r"`([^`]+)`", paths)
        for path in (first, *(first.rpartition(".")[0] + ending for ending in endings)):
            told |= {(path, method) for method in methods.split(", ")}
    assert {one for one in there if one[1] != "HEAD"} == told
