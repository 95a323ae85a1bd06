"""Reading a configuration: where values come from, and which wins."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.errors import UsageError
from digest.settings import Frequency
from digest.settings.reading import project_folder, read_settings
from digest.shipped import shipped
from tests.settings.conftest import MINIMAL, SECRET, Project


def test_the_file_under_the_current_folder_is_read(project: Project) -> None:
    settings = project.read()
    assert settings.started_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert settings.secret_key.get_secret_value() == SECRET
    assert settings.newsletters[0].schedule == {Frequency.WEEKLY: "0 9 * * 1"}
    assert settings.project == project.folder


def test_the_strongest_source_wins(project: Project) -> None:
    project.write("[delivery]\nprovider = 'smtp'\nrate = 1\nconcurrency = 1\nbatch = 1\n")
    folder = project.folder / "secrets"
    folder.mkdir()
    for name in ("RATE", "CONCURRENCY", "BATCH"):
        (folder / f"DIGEST_DELIVERY__{name}").write_text("2\n")
    (project.folder / ".env").write_text("DIGEST_DELIVERY__RATE=3\nDIGEST_DELIVERY__CONCURRENCY=3\n")
    settings = project.read(DIGEST_DELIVERY__RATE="4")
    delivery = settings.delivery
    assert (delivery.provider, delivery.batch, delivery.concurrency, delivery.rate) == ("smtp", 2, 3, 4)
    assert settings.origins["delivery.provider"] == "config/digest.toml"
    assert settings.origins["delivery.batch"] == "DIGEST_DELIVERY__BATCH in the secrets folder secrets"
    assert settings.origins["delivery.concurrency"] == "DIGEST_DELIVERY__CONCURRENCY in .env"
    assert settings.origins["delivery.rate"] == "DIGEST_DELIVERY__RATE in the environment"
    assert "delivery.timeout" not in settings.origins


def test_the_names_that_others_rely_on_work(project: Project) -> None:
    settings = project.read(
        DIGEST_DATABASE__URL="sqlite:///other.db",
        DIGEST_DELIVERY__PROVIDER="smtp",
        DIGEST_DELIVERY__RATE="0",
        DIGEST_DELIVERY__CONCURRENCY="10",
        DIGEST_DELIVERY__TIMEOUT="2s",
        DIGEST_PROVIDERS__SMTP__HOST="127.0.0.1",
        DIGEST_PROVIDERS__SMTP__PORT="2525",
        DIGEST_PROVIDERS__SMTP__SECURITY="none",
        DIGEST_PROVIDERS__SMTP__USERNAME="ada",
        DIGEST_PROVIDERS__SMTP__PASSWORD="pass word",
        DIGEST_PROVIDERS__SENDGRID__API_KEY="SG.x",
        DIGEST_PROVIDERS__SENDGRID__HOST="http://127.0.0.1:9000",
    )
    assert settings.database_url == f"sqlite:///{project.folder}/other.db"
    assert settings.delivery.timeout == timedelta(seconds=2)
    smtp, sendgrid = settings.providers.smtp, settings.providers.sendgrid
    assert (smtp.host, smtp.port, smtp.security, smtp.username) == ("127.0.0.1", 2525, "none", "ada")
    assert smtp.password is not None
    assert smtp.password.get_secret_value() == "pass word"
    assert sendgrid.api_key is not None
    assert (sendgrid.api_key.get_secret_value(), sendgrid.host) == ("SG.x", "http://127.0.0.1:9000")


def test_lists_and_tables_are_json_in_a_variable(project: Project) -> None:
    settings = project.read(
        DIGEST_EDITORS__EMAILS='["ada@example.com", "bob@example.com"]',
        DIGEST_SOURCES='[{"name": "blog", "kind": "feed", "url": "https://backend.example/feed.xml"}]',
    )
    assert settings.editors.emails == ("ada@example.com", "bob@example.com")
    assert [source.name for source in settings.sources] == ["blog"]


def test_an_entry_of_a_list_is_named_by_its_number(project: Project) -> None:
    settings = project.read(
        DIGEST_NEWSLETTERS__0__SCHEDULE='{"daily": "0 7 * * *", "weekly": "0 9 * * 1"}',
        DIGEST_NEWSLETTERS__0__MAX_ARTICLES="7",
        DIGEST_NEWSLETTERS__0__TOPICS__PYTHON='{"title": "Python", "tags": ["python"]}',
        DIGEST_SOURCES__1='{"name": "blog", "kind": "feed", "url": "https://backend.example/feed.xml"}',
    )
    newsletter = settings.newsletters[0]
    assert newsletter.frequencies == (Frequency.DAILY, Frequency.WEEKLY)
    assert (newsletter.title, newsletter.max_articles, list(newsletter.topics)) == ("Weekly", 7, ["databases", "python"])
    assert [source.name for source in settings.sources] == ["articles", "blog"]
    assert "there are only 1 newsletters" in project.fails(DIGEST_NEWSLETTERS__3__TITLE="x")


def test_a_whole_project_can_come_from_variables_but_for_the_file_itself(project: Project) -> None:
    project.file.write_text("")
    settings = project.read(
        DIGEST_STARTED_AT="2026-11-01T00:00:00+01:00",
        DIGEST_SITE='{"name": "B", "url": "https://b.example", "public_url": "https://n.b.example", "postal_address": "Road"}',
        DIGEST_SENDER__NAME="B",
        DIGEST_SENDER__ADDRESS="B@b.example",
        DIGEST_SOURCES__0__NAME="articles",
        DIGEST_SOURCES__0__KIND="json",
        DIGEST_SOURCES__0__PATH="articles.json",
        DIGEST_NEWSLETTERS__0__SLUG="weekly",
        DIGEST_NEWSLETTERS__0__TITLE="Weekly",
        DIGEST_NEWSLETTERS__0__SCHEDULE="0 9 1 * *",
        DIGEST_NEWSLETTERS__0__TOPICS='{"a": {"title": "A", "tags": ["a"]}}',
    )
    assert settings.newsletters[0].schedule == {Frequency.MONTHLY: "0 9 1 * *"}
    assert settings.origins["newsletters.0.title"] == "DIGEST_NEWSLETTERS__0__TITLE in the environment"


def test_an_empty_variable_counts_as_not_set(project: Project) -> None:
    assert project.read(DIGEST_SITE__LOGO="", DIGEST_DELIVERY__RATE="").delivery.rate == 0
    assert "secret_key: is missing" in project.fails(DIGEST_SECRET_KEY="")


def test_the_secrets_folder_can_be_named(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "run-secrets"
    folder.mkdir()
    (folder / "DIGEST_SECRET_KEY").write_text(SECRET + "\n")
    (folder / "of_another_program").write_bytes(b"\xff\xfe")
    settings = read_settings(None, {"DIGEST_SECRETS_DIR": str(folder)})
    assert settings.secret_key.get_secret_value() == SECRET
    with pytest.raises(UsageError, match="DIGEST_SECRETS_DIR in the environment: nowhere is not a folder"):
        read_settings(None, {"DIGEST_SECRETS_DIR": "nowhere"})


def test_env_may_hold_the_variables_of_others(project: Project) -> None:
    (project.folder / ".env").write_text(
        f'# ours\nexport DIGEST_SECRET_KEY="{SECRET}"\nPOSTGRES_PASSWORD=x\n', encoding="utf-8-sig"
    )
    assert read_settings(None, {"PATH": "/bin", "HOME": "/"}).secret_key.get_secret_value() == SECRET


def test_the_file_is_named_by_the_option_or_by_a_variable(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "news.toml"
    other.parent.mkdir()
    other.write_text(MINIMAL.replace('"Weekly"', '"Other"'))
    by_variable = project.read(DIGEST_CONFIG="elsewhere/news.toml")
    by_option = read_settings(other, {"DIGEST_SECRET_KEY": SECRET, "DIGEST_CONFIG": "nowhere.toml"})
    assert by_variable.newsletters[0].title == by_option.newsletters[0].title == "Other"
    assert by_variable.project == by_option.project == other.parent


def test_paths_start_at_the_project_folder(project: Project) -> None:
    assert project_folder(Path("config/digest.toml")) == project.folder
    assert project_folder(Path("digest.toml")) == project.folder
    assert project_folder(Path("/srv/news/config/other.toml")) == Path("/srv/news")
    settings = project.read()
    assert settings.resolve(Path("articles.json")) == project.folder / "articles.json"
    assert settings.resolve(Path("/srv/articles.json")) == Path("/srv/articles.json")
    (project.folder / "templates").mkdir()
    assert settings.template_folders == (project.folder / "templates", shipped("templates"))


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("sqlite:///digest.db", "sqlite:///{project}/digest.db"),
        ("sqlite:///data/digest.db?timeout=5", "sqlite:///{project}/data/digest.db?timeout=5"),
        ("sqlite:////var/lib/digest.db", "sqlite:////var/lib/digest.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql+psycopg://ada:x@db.example/news", "postgresql+psycopg://ada:x@db.example/news"),
    ],
)
def test_a_database_beside_the_project_is_found_from_anywhere(project: Project, url: str, absolute: str) -> None:
    assert project.read(DIGEST_DATABASE__URL=url).database_url == absolute.format(project=project.folder)


def test_reading_settings_imports_nothing_slow() -> None:
    check = "import sys, digest.settings.reading; print([m for m in ('sqlalchemy', 'sendgrid', 'jinja2', 'typer', 'httpx2') if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"
