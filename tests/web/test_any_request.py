"""Whatever is asked is answered, and never with a 500: drawn from the API's own description, and against every route."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from starlette.routing import Route

from digest.app import granting
from digest.audience.tokens import Purpose
from digest.editors.scopes import Scope
from tests.journeys.project import MONDAY, Project, article
from tests.web.conftest import Pages, pages_of

pytestmark = pytest.mark.sqlite
# One database for all that is drawn: nothing of what is asked may depend on what was asked before.
ONE_FOR_ALL = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def wide_open(project: Project) -> Iterator[Pages]:
    project.offer(article("a"))
    project.run(MONDAY)
    with pages_of(project, DIGEST_PAGES__FRAMED_BY='["https://a.example"]', DIGEST_PAGES__ASKS_PER_NETWORK="1000000") as pages:
        yield pages


TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)
PLAIN = st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none())
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)), max_leaves=8
)
LIKELY = st.sampled_from(
    ["eve@new.example", "weekly", "python", "de", "Europe/Berlin", "daily", "", "save", "newsletter", "undo", "2026-12-24"]
)


def resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that stands by itself."""
    return schema | {"components": description["components"]}


def of_schema(description: dict[str, Any], schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of the API allows, and sometimes ones that it does not."""
    if "$ref" in schema:
        return of_schema(description, description["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of(*(of_schema(description, one) for one in schema["anyOf"]))
    if schema.get("type") == "object":
        fields = {name: st.one_of(of_schema(description, one), PLAIN) for name, one in schema["properties"].items()}
        return st.fixed_dictionaries({}, optional=fields)
    if schema.get("type") == "array":
        return st.lists(of_schema(description, schema["items"]), max_size=4)
    return {"string": st.one_of(LIKELY, TEXTS), "integer": st.integers(), "boolean": st.booleans(), "null": st.none()}[
        schema["type"]
    ]


def test_every_answer_of_the_api_is_one_that_its_description_names(wide_open: Pages) -> None:
    description = wide_open.client.get("/api/v1/openapi.json").json()
    operations = [(path, method, one) for path, methods in description["paths"].items() for method, one in methods.items()]
    assert len(operations) > 10
    for path, method, operation in operations:
        _hold_to(wide_open, description, path, method, operation)


def _hold_to(pages: Pages, description: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    token = granting.grant(pages.app, "anything", list(Scope), 9, actor="test").secret
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    path = path.replace("{newsletter}", "weekly").replace("{number}", "1")
    bodies = st.none() if content is None else st.one_of(of_schema(description, content), ANYTHING)

    @ONE_FOR_ALL
    @given(body=bodies)
    def ask(body: object) -> None:
        sent = json.dumps(body).encode()
        answer = pages.client.request(method, path, content=sent, headers=headers)
        said = operation["responses"].get(str(answer.status_code))
        assert said is not None, (answer.status_code, body)
        schema = said.get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            Draft202012Validator(resolved(description, schema)).validate(answer.json())

    ask()


TOKENS = st.one_of(TEXTS.filter(bool), st.text("ABCDEFabcdef0123456789-_", min_size=30, max_size=42))
FIELDS = st.sampled_from(
    [
        "what",
        "email",
        "newsletter",
        "topic",
        "everything",
        "frequency",
        "timezone",
        "language",
        "until",
        "challenge",
        "proof",
        "website",
    ]
)
FORMS = st.lists(st.tuples(FIELDS, st.one_of(LIKELY, TEXTS)), max_size=6)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Accept-Language", "If-None-Match", "If-Modified-Since", "Content-Type", "X-Forwarded-For", "Range", "Cookie"]
    ),
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
        st.sampled_from(["multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-7", "*", "de;q=1e9"]),
    ),
    max_size=3,
)


def test_no_request_to_any_route_is_a_fault_of_ours(wide_open: Pages) -> None:
    known = {purpose: wide_open.token("ann@x.example", purpose) for purpose in Purpose}
    application: Any = wide_open.client.app
    routes = [(one.path, method) for one in application.routes if isinstance(one, Route) for method in one.methods or ()]
    assert len(routes) > 35

    @settings(ONE_FOR_ALL, max_examples=250)
    @given(
        route=st.sampled_from(sorted(routes)),
        token=st.one_of(st.sampled_from(sorted(known.values())), TOKENS),
        form=FORMS,
        headers=HEADERS,
        raw=st.one_of(st.none(), st.binary(max_size=80)),
        query=TEXTS,
    )
    def ask(
        route: tuple[str, str], token: str, form: list[tuple[str, str]], headers: dict[str, str], raw: bytes | None, query: str
    ) -> None:
        path, method = route
        for name in ("token", "topic", "newsletter", "number"):
            path = path.replace(f"{{{name}}}", quoted(token))
        named = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
        body = raw if raw is not None else encoded(form)
        answer = wide_open.client.request(method, f"{path}?newsletter={quoted(query)}", content=body, headers=list(named.items()))
        assert answer.status_code < 500, (method, path, answer.status_code)

    ask()


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass")) or "x"


def encoded(form: list[tuple[str, str]]) -> bytes:
    write: Callable[[str], str] = quoted
    return "&".join(f"{name}={write(value)}" for name, value in form).encode()
