"""Secrets: where they may stand, and that nothing repeats them."""

from __future__ import annotations

import json
import logging
from importlib.metadata import EntryPoint

import pytest
from pydantic import SecretStr

from digest.settings import plugins
from digest.settings.database_url import has_password, masked_database_url
from digest.settings.showing import schema, show
from tests.settings.conftest import Project

CANARY = "canary-5f0c7a91d2"


@pytest.mark.parametrize(
    ("more", "key", "variable"),
    [
        (f"secret_key = '{CANARY}{CANARY}'", "secret_key", "DIGEST_SECRET_KEY"),
        (f"[providers.smtp]\npassword = '{CANARY}'", "providers.smtp.password", "DIGEST_PROVIDERS__SMTP__PASSWORD"),
        (f"[providers.smtp]\npassword = ['{CANARY}']", "providers.smtp.password", "DIGEST_PROVIDERS__SMTP__PASSWORD"),
        (f"[providers.sendgrid]\napi_key = '{CANARY}'", "providers.sendgrid.api_key", "DIGEST_PROVIDERS__SENDGRID__API_KEY"),
        (f"[providers.resend]\napi_key = '{CANARY}'", "providers.resend.api_key", "DIGEST_PROVIDERS__RESEND__API_KEY"),
        (f"[providers.mailgun]\napi_key = '{CANARY}'", "providers.mailgun.api_key", "DIGEST_PROVIDERS__MAILGUN__API_KEY"),
        (
            f"[providers.postmark]\nserver_token = '{CANARY}'",
            "providers.postmark.server_token",
            "DIGEST_PROVIDERS__POSTMARK__SERVER_TOKEN",
        ),
        (f"[providers.ses]\naccess_key_id = '{CANARY}'", "providers.ses.access_key_id", "DIGEST_PROVIDERS__SES__ACCESS_KEY_ID"),
        (
            f"[providers.ses]\nsecret_access_key = '{CANARY}'",
            "providers.ses.secret_access_key",
            "DIGEST_PROVIDERS__SES__SECRET_ACCESS_KEY",
        ),
        (f"[providers.ses]\nsession_token = '{CANARY}'", "providers.ses.session_token", "DIGEST_PROVIDERS__SES__SESSION_TOKEN"),
        (
            f"[providers.mailpit]\naccess-token = '{CANARY}'",
            "providers.mailpit.access-token",
            "DIGEST_PROVIDERS__MAILPIT__ACCESS-TOKEN",
        ),
        (
            f"[[sources]]\nname = 'ghost'\nkind = 'ghost'\nurl = 'https://x.example'\napi_key = '{CANARY}'",
            "sources.1.api_key",
            "DIGEST_SOURCES__1__API_KEY",
        ),
        (f"[database]\nurl = 'postgresql+psycopg://ada:{CANARY}@db/x'", "database.url", "DIGEST_DATABASE__URL"),
    ],
)
def test_a_secret_in_the_file_is_refused(project: Project, more: str, key: str, variable: str) -> None:
    if key == "secret_key":
        project.write(started_at=f"started_at = 2026-11-01T00:00:00Z\n{more}")
    else:
        project.write(more)
    message = project.fails()
    assert f"config/digest.toml: {key}: a secret does not belong in the file" in message
    assert f"set {variable} in .env" in message
    assert CANARY not in message


@pytest.mark.parametrize(
    "environ",
    [
        {"DIGEST_SECRET_KEY": CANARY},
        {"DIGEST_SECRET_KEY": f'["{CANARY}"]'},
        {"DIGEST_SECRET_KEY__X": CANARY},
        {"DIGEST_SECRETKEY": CANARY},
        {"DIGEST_PROVIDERS": f'{{"smtp": {{"password": "{CANARY}"'},
        {"DIGEST_PROVIDERS": f'{{"smtp": {{"password": ["{CANARY}"]}}}}'},
        {"DIGEST_PROVIDERS__SMTP": CANARY},
        {"DIGEST_PROVIDERS__SMTP__PASSWORD__X": CANARY},
        {"DIGEST_PROVIDERS__SMTP__PASWORD": CANARY},
        {"DIGEST_PROVIDERS__SENDGRID__KEY": CANARY},
        {"DIGEST_DATABASE__URL": f"mysql://ada:{CANARY}@db/x"},
        {"DIGEST_DATABASE__URL": f"postgres://ada:{CANARY}@db/x"},
        {"DIGEST_SITE__URL": f"https://ada:{CANARY}@backend.example"},
        {"DIGEST_PROVIDERS__SENDGRID__HOST": f"https://{CANARY}@api.example"},
    ],
)
def test_no_error_repeats_a_secret(project: Project, environ: dict[str, str]) -> None:
    assert CANARY not in project.fails(**environ)


def test_nothing_shows_a_secret(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = project.read(
        DIGEST_SECRET_KEY=CANARY * 2,
        DIGEST_PROVIDERS__SMTP__PASSWORD=CANARY,
        DIGEST_PROVIDERS__SENDGRID__API_KEY=CANARY,
        DIGEST_DATABASE__URL=f"postgresql+psycopg://ada:{CANARY}@db.example/news",
    )
    shown = show(settings)
    assert shown["secret_key"] == {"value": "********", "origin": "DIGEST_SECRET_KEY in the environment"}
    assert shown["providers.smtp.password"]["value"] == "********"
    assert shown["database.url"]["value"] == "postgresql+psycopg://ada:********@db.example/news"
    for said in (json.dumps(shown), repr(settings), str(settings), caplog.text):
        assert CANARY not in said


def test_a_plugin_has_a_table_of_its_own_whose_secrets_are_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    mailpit = EntryPoint(name="mailpit", value="mailpit:Mailpit", group="digest.providers")
    monkeypatch.setattr(plugins, "installed", lambda _: (mailpit,))
    project.write("[delivery]\nprovider = 'mailpit'\n[providers.mailpit]\nhost = 'localhost'\nport = 1025")
    settings = project.read(DIGEST_PROVIDERS__MAILPIT__API_KEY=CANARY)
    table = settings.providers.plugin("mailpit")
    assert table == {"host": "localhost", "port": 1025, "api_key": SecretStr(CANARY)}
    assert settings.providers.plugin("other") == {}
    assert show(settings)["providers.mailpit.api_key"]["value"] == "********"
    assert CANARY not in repr(settings)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://ada:pa@ss:w/rd@db/x", "postgresql://ada:********@db/x"),
        ("postgresql://:pass@db/x", "postgresql://:********@db/x"),
        ("postgresql:///x?host=db&password=pass&user=ada", "postgresql:///x?host=db&password=********&user=ada"),
    ],
)
def test_a_password_in_a_database_url_is_found_and_masked(url: str, masked: str) -> None:
    assert has_password(url)
    assert masked_database_url(url) == masked


@pytest.mark.parametrize(
    "url", ["sqlite:///digest.db", "sqlite:////srv/a:b@c.db", "postgresql://ada@db:5432/x", "postgresql://db/x?sslmode=require"]
)
def test_a_database_url_without_a_password_is_shown_whole(url: str) -> None:
    assert not has_password(url)
    assert masked_database_url(url) == url


def test_a_sources_secret_comes_from_the_environment_and_is_masked(project: Project) -> None:
    project.write("[[sources]]\nname = 'ghost'\nkind = 'ghost'\nurl = 'https://x.example'")
    settings = project.read(DIGEST_SOURCES__1__API_KEY=CANARY)
    key = settings.sources[1].api_key
    assert key is not None
    assert key.get_secret_value() == CANARY
    assert show(settings)["sources.1.api_key"]["value"] == "********"
    assert CANARY not in repr(settings)


@pytest.mark.parametrize("end", ["retired = true", "moved_to = 'articles'"])
def test_a_source_that_is_given_up_needs_no_secret_any_more(project: Project, end: str) -> None:
    project.write(f"[[sources]]\nname = 'ghost'\nkind = 'ghost'\nurl = 'https://x.example'\n{end}")
    assert not project.read().sources[1].current


def test_the_schema_of_the_file_knows_no_secret_of_a_source() -> None:
    assert "api_key" not in schema()["$defs"]["SourceSettings"]["properties"]
