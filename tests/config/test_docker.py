"""The image and the services: nobody is root, nothing can be written to but what has to be, and no secret stands in them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from digest.cli.reference import names
from digest.settings.model import Settings
from digest.settings.secrecy import secret_keys
from digest.settings.variables import unknown_variables, variable_of
from digest.shipped import shipped

ROOT = Path(__file__).parents[2]
DOCKER = shipped("config") / "docker"
INSTRUCTION = re.compile(r"^([A-Z]+) (.*)$", re.MULTILINE)
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "digest"}
SECRETS = {variable_of(path) for path in secret_keys(Settings)} | {"DIGEST_DATABASE__URL"}


def instructions() -> list[tuple[str, str]]:
    """Each line of the Dockerfile, with what it goes on in."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    return INSTRUCTION.findall(re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)))


def last_stage() -> list[tuple[str, str]]:
    """What becomes the image."""
    lines = instructions()
    last = max(index for index, (word, _) in enumerate(lines) if word == "FROM")
    return lines[last:]


def commands() -> Iterator[list[str]]:
    """Every command line of `digest` in both files."""
    yield json.loads(dict(last_stage())["CMD"])
    for service in OURS.values():
        yield [str(word) for word in service["command"]]
        test = service["healthcheck"].get("test", [])
        if test[:2] == ["CMD", "digest"]:
            yield test[2:]


def test_the_image_is_of_two_stages_and_nobody_in_it_is_root() -> None:
    stages = [words.split() for word, words in instructions() if word == "FROM"]
    assert len(stages) == 2
    assert {image for image, *_ in stages} == {"python:3.13-slim"}  # a plain name: whose copy is fetched is the user's to say
    words = [word for word, _ in last_stage()]
    assert dict(last_stage())["USER"] == "10001:10001"
    assert words.index("USER") > max(index for index, word in enumerate(words) if word == "RUN")
    assert "/healthz" in dict(last_stage())["HEALTHCHECK"]
    assert json.loads(dict(last_stage())["ENTRYPOINT"]) == ["digest"]


def test_what_the_image_is_made_of_is_there_and_reaches_the_builder() -> None:
    copied = {name for word, words in instructions() if word == "COPY" and "--from" not in words for name in words.split()[:-1]}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "*"
    assert {name.removeprefix("!") for name in ignored if name.startswith("!")} == copied
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {*carried, "digest", project["project"]["readme"], "pyproject.toml"} <= copied


def test_no_secret_is_part_of_the_image_or_of_an_environment() -> None:
    variables = {word for kind, words in instructions() if kind in ("ENV", "ARG") for word in re.findall(r"(\w+)=", words)}
    for service in OURS.values():
        variables |= set(service["environment"])
    assert variables & SECRETS == set()
    assert list(unknown_variables(variables)) == []
    assert "POSTGRES_PASSWORD" not in SERVICES["postgres"]["environment"]
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
    for service in OURS.values():
        assert set(service["secrets"]) == {"DIGEST_SECRET_KEY", "DIGEST_DATABASE__URL"}
        assert list(unknown_variables(service["secrets"])) == []


def test_every_service_has_a_root_that_cannot_be_written_to_and_no_rights() -> None:
    assert set(OURS) == {"migrate", "pages", "scheduler", "worker"}
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("user", "") != "root", name
        assert service["healthcheck"], name
        assert re.fullmatch(r"[a-z]+(:\d+)?", service["image"]), name
    for name, service in OURS.items():
        assert "user" not in service, name  # the image's
        assert service["stop_grace_period"] == "15s", name
        written = {volume.partition(":")[0] for volume in service["volumes"] if not volume.endswith(":ro")}
        assert written == {"outbox", "state"}, name
    made = dict(re.findall(r"--owner=(\d+) --group=\d+ (.*)$", dict(last_stage())["RUN"], re.MULTILINE))
    assert made == {"10001": "/project/outbox /state"}  # a volume that is new belongs to whom its folder belongs to


def test_nobody_is_answered_but_this_machine_and_only_its_proxy_is_believed() -> None:
    assert [service.get("ports") for service in SERVICES.values() if service.get("ports")] == [["127.0.0.1:8000:8000"]]
    (subnet,) = (one["subnet"] for one in COMPOSE["networks"]["front"]["ipam"]["config"])
    pages = SERVICES["pages"]
    assert json.loads(pages["environment"]["DIGEST_PAGES__TRUSTED_PROXIES"]) == [subnet]
    assert [name for name, service in SERVICES.items() if "front" in service["networks"]] == ["pages"]


def test_every_command_is_one_that_there_is() -> None:
    found = list(commands())
    assert len(found) >= 7
    assert [line for line in found if line[0] not in names()] == []
