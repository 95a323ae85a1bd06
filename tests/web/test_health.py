"""Alive, and ready."""

from __future__ import annotations

from sqlalchemy import text

from tests.web.conftest import Pages


def test_it_lives_and_is_ready(pages: Pages) -> None:
    assert pages.client.get("/healthz").text == "alive\n"
    assert (pages.client.get("/readyz").status_code, pages.client.get("/readyz").text) == (200, "ready\n")


def test_a_database_of_another_version_is_not_ready_and_the_process_lives(pages: Pages) -> None:
    with pages.app.store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert pages.client.get("/readyz").status_code == 503
    assert "digest migrate" in pages.client.get("/readyz").text
    assert pages.client.get("/healthz").status_code == 200


def test_a_database_that_is_gone_is_not_ready(pages: Pages) -> None:
    with pages.app.store.writing() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    assert pages.client.get("/readyz").status_code == 503
