"""`digest migrate --check`: whether there is anything to migrate, by its exit code; of the workers' queue too."""

from __future__ import annotations

import json
import sqlite3

import pytest
from sqlalchemy import text

from digest.store.migrations import HEAD
from digest.store.queue import SCHEMA
from tests.databases import Server
from tests.journeys.project import Project


@pytest.mark.sqlite  # the revision is set in the file
def test_whether_there_is_anything_to_migrate_is_told_by_the_exit_code(project: Project) -> None:
    current = project.command("migrate", "--check", "--json")
    assert (current.returncode, json.loads(current.stdout)) == (
        0,
        {"needed": False, "revision": HEAD, "wanted": HEAD, "queue_migrations": 0},
    )
    with project.app() as app, app.store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    old = project.command("migrate", "--check", "--json")
    assert (old.returncode, json.loads(old.stdout)["needed"]) == (1, True)
    with sqlite3.connect(project.folder / "digest.db") as connection_:
        connection_.execute("UPDATE alembic_version SET version_num = '9999'")
    connection_.close()
    assert project.command("migrate", "--check").returncode == 3


@pytest.mark.sqlite
def test_the_queue_is_looked_at_where_workers_send_and_wherever_there_is_one(project: Project, postgresql: Server) -> None:
    name = postgresql.create()
    project.environment["DIGEST_DATABASE__URL"] = postgresql.url(name)
    workers = {"DIGEST_DELIVERY__ENGINE": "workers"}

    def change(statement: str) -> None:
        with project.app() as app, app.store.writing() as connection:
            connection.execute(text(statement))

    def asked(**environment: str) -> tuple[int, bool, int | None]:
        said = project.command("migrate", "--check", "--json", **environment)
        told = json.loads(said.stdout)
        return said.returncode, told["needed"], told["queue_migrations"]

    assert asked() == (0, False, 0)  # nobody wants one
    assert asked(**workers) == (1, True, None)
    assert "is not there yet" in project.command("migrate", "--check", **workers).stdout
    assert asked(**workers) == (1, True, None)  # and a look makes none
    assert project.command("migrate", **workers).returncode == 0
    assert asked(**workers) == (0, False, 0)
    change(f"DELETE FROM {SCHEMA}.applied WHERE migration = (SELECT max(migration) FROM {SCHEMA}.applied)")
    assert asked(**workers) == asked() == (1, True, 1)
    assert "lacks 1 of procrastinate's migrations" in project.command("migrate", "--check", **workers).stdout
    assert project.command("migrate").returncode == 0
    assert asked(**workers) == (0, False, 0)
    change(f"INSERT INTO {SCHEMA}.applied VALUES ('99.00.00_01_more.sql')")
    newer = project.command("migrate", "--check", **workers)
    assert (newer.returncode, "a newer procrastinate" in newer.stderr) == (3, True)
    postgresql.drop(name)
