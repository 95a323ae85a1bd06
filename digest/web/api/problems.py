"""Problems: the one shape of what goes wrong in the API, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse


class Wrong(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="Such as `body.email`.")
    what: str


class Problem(BaseModel):
    """What went wrong: for a program by its status, for a person in words, and where."""

    status: int
    title: str
    detail: str
    errors: list[Wrong] = []

    model_config = {"json_schema_extra": {"example": {"status": 404, "title": "Not Found", "detail": "Not Found", "errors": []}}}


def answer(status: int, detail: str, errors: Sequence[Wrong] = ()) -> JSONResponse:
    """A problem, as it is answered."""
    said = Problem(status=status, title=HTTPStatus(status).phrase, detail=detail, errors=list(errors))
    return JSONResponse(said.model_dump(), status)


def problems(refusals: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """How a description names them."""
    return {status: {"model": Problem, "description": why} for status, why in sorted(refusals.items())}
