"""Backups for journeys: a project that has readers, and what is done with a backup of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from digest.store.database import Store
from digest.store.tables import metadata
from tests.databases import fresh_database
from tests.journeys.project import Project, Said, article

READERS = ("ann@x.example", "bob@x.example")


def inhabited(project: Project) -> Project:
    """The same, with two readers and an article."""
    for reader in READERS:
        project.join(reader)
    project.offer(article("a"))
    return project


def backed_up(project: Project, name: str = "kept.backup") -> Path:
    got = project.command("backup", name)
    assert got.returncode == 0, got.stderr
    return project.folder / name


def restored(project: Project, file: Path, *options: str, code: int = 0) -> Said:
    got = project.command("restore", str(file), *options)
    assert got.returncode == code, got
    return got


def elsewhere(project: Project, folder: Path) -> Project:
    """The same configuration and secrets on another machine, with an empty database of the same kind."""
    folder.mkdir()
    for part in ("config", "templates"):
        if (project.folder / part).exists():
            (folder / part).mkdir()
            for file in (project.folder / part).iterdir():
                if file.is_file():
                    (folder / part / file.name).write_bytes(file.read_bytes())
    for name in (".env", "articles.json"):
        (folder / name).write_bytes((project.folder / name).read_bytes())
    url = fresh_database(folder, prepared=False)
    return replace(project, folder=folder, environment=project.environment | {"DIGEST_DATABASE__URL": url})


def confirm(project: Project, **environment: str) -> None:
    assert project.command("doctor", "--offline", "--confirm-epoch", **environment).returncode == 0


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a database holds, but for its send epoch, which tells one from the other."""
    with store.reading() as connection:
        return {
            one.name: sorted((tuple(row) for row in connection.execute(select(*one.columns))), key=repr)
            for one in metadata.sorted_tables
            if one.name != "send_epoch"
        }


def arrived(project: Project) -> Counter[str]:
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)
