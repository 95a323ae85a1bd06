"""A wrong configuration: one line that names the key, the place, what is wrong, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import UsageError
from digest.settings.reading import read_settings
from tests.settings.conftest import SECRET, Project


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"name": 'naem = "B"'}, "config/digest.toml: site.naem: unknown key; did you mean 'name'?"),
        ({"started_at": ""}, "config/digest.toml: started_at: is missing: write the time the project began"),
        ({"started_at": "started_at = 2026-11-01T00:00:00"}, "config/digest.toml: started_at: needs its zone"),
        ({"started_at": "started_at = 2026-11-01"}, "config/digest.toml: started_at: needs its zone"),
        ({"started_at": 'started_at = "soon"'}, "config/digest.toml: started_at: must be a time"),
        (
            {"schedule": 'schedule = "0 9 * * 1"\nlanguage = "englisch"'},
            "newsletters.0.language: 'englisch' is not a language: use a tag such as 'en' or 'pt-BR'",
        ),
        (
            {"schedule": 'schedule = "0 9 * * 1"\nsubjects = { deutsch = "x" }'},
            "newsletters.0.subjects.deutsch: 'deutsch' is not a language: use a tag such as 'en' or 'pt-BR'",
        ),
        (
            {"schedule": 'schedule = "99 9 * * 1"'},
            "newsletters.0.schedule.weekly: '99 9 * * 1' is not a cron expression: Bad minute",
        ),
        (
            {"schedule": 'schedule = "0 9 * *"'},
            "newsletters.0.schedule.weekly: '0 9 * *' is not a cron expression: it has 4 fields",
        ),
        ({"schedule": "schedule = 9"}, "config/digest.toml: newsletters.0.schedule: must be a table"),
        ({"schedule": "schedule = {}"}, "config/digest.toml: newsletters.0.schedule: needs at least one entry"),
        (
            {"schedule": 'schedule = "0 9 * * 1"\ntimezone = "Europe/Berln"'},
            "newsletters.0.timezone: 'Europe/Berln' is not a time zone",
        ),
        (
            {"schedule": 'schedule = "0 9 * * 1"\nmin_articles = 5\nmax_articles = 4'},
            "newsletters.0: min_articles: 5 is more than max_articles, 4: no issue would ever be made",
        ),
        ({"schedule": 'schedule = "0 9 * * 1"\nlookback = 7'}, "newsletters.0.lookback: 7 is not a duration"),
        ({"schedule": 'schedule = "0 9 * * 1"\nmax_articles = 0'}, "newsletters.0.max_articles: must be at least 1"),
        (
            {"schedule": 'schedule = "0 9 * * 1"\nmax_articles = "ten"'},
            "newsletters.0.max_articles: must be a whole number, not 'ten'",
        ),
        (
            {"schedule": 'schedule = "0 9 * * 1"\nmax_articles = true'},
            "newsletters.0.max_articles: must be a number, not true or false",
        ),
        ({"schedule": 'schedule = "0 9 * * 1"\napproval = "no"'}, "newsletters.0.approval: must be 'required' or 'automatic'"),
        ({"topics": "topics = {}"}, "config/digest.toml: newsletters.0.topics: needs at least one entry"),
        (
            {"topics": 'topics = { Databases = { title = "D", tags = ["d"] } }'},
            "newsletters.0.topics.Databases: 'Databases' is not a slug",
        ),
        (
            {"topics": 'topics = { databases = { title = "D", tag = "d" } }'},
            "newsletters.0.topics.databases.tag: unknown key; did you mean 'tags'?",
        ),
        (
            {"topics": 'topics = { databases = { title = "D", tags = [""] } }'},
            "newsletters.0.topics.databases.tags.0: must not be empty",
        ),
        ({"address": 'address = "Ada <ada@example.com>"'}, "sender.address: 'Ada <ada@example.com>' is not an e-mail address"),
        ({"public_url": 'public_url = "news.example"'}, "site.public_url: 'news.example' is not a web address"),
        ({"postal_address": 'postal_address = " "'}, "site.postal_address: must not be empty"),
        ({"postal_address": "postal_address = 12"}, "site.postal_address: must be text in quotation marks"),
        ({"postal_address": ""}, "site.postal_address: is missing: The publisher's postal address"),
        ({"path": 'path = "a"\nurl = "https://x.example"'}, "sources.0: a source needs either `path` or `url`, and not both"),
        ({"path": 'path = ""'}, "sources.0.path: must not be empty"),
        (
            {"kind": 'kind = "wordpress"'},
            "sources.0: a source of kind 'wordpress' is read from an address, named by `url`: write `url` instead of `path`",
        ),
        (
            {"kind": 'kind = "markdown"', "path": 'url = "https://x.example"'},
            "sources.0: a source of kind 'markdown' is read from a folder, named by `path`: write `path` instead of `url`, or `kind = \"feed\"` for the feed of that site",
        ),
        (
            {"kind": 'kind = "markdown"'},
            "sources.0: a source of kind 'markdown' needs `base_url`, the address that the permalinks of its articles begin with",
        ),
        (
            {"kind": 'kind = "ghost"', "path": 'url = "https://x.example"'},
            "sources.0: a source of kind 'ghost' needs `api_key`, the Content API key of a custom integration: set DIGEST_SOURCES__N__API_KEY",
        ),
        (
            {"path": 'path = "a"\nlimit = 5'},
            "sources.0: `limit` is a key of wordpress and ghost and sitemap sources, and this one is 'json': remove it",
        ),
        (
            {"kind": 'kind = "wordpress"', "path": 'url = "https://x.example"\nlimit = 1001'},
            "sources.0.limit: must be at most 1000",
        ),
        *(
            (
                {"kind": 'kind = "markdown"', "path": f'path = "a"\nbase_url = "https://x.example"\npermalink = "{wrong}"'},
                f"sources.0.permalink: '{wrong}' is not a permalink: it is a path in which these may stand: {{folder}}, {{slug}}",
            )
            for wrong in ("{title}", "{slug", "{slug}}", "{0}", "{}")
        ),
        (
            {"kind": 'kind = "jsn"'},
            "sources.0.kind: 'jsn' is not a kind of source: use feed, ghost, json, markdown, sitemap or wordpress, or install its plugin; did you mean 'json'?",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_key_and_file(project: Project, change: dict[str, str], line: str) -> None:
    project.write(**change)
    message = project.fails()
    assert line in message
    assert message.startswith("config/digest.toml: ")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ('schedul = "x"', "newsletters.0.schedul: unknown key; did you mean 'schedule'?"),
        ("[delivry]\nrate = 1", "delivry: unknown key; did you mean 'delivery'?"),
        ('[delivery]\nprovider = "sengrid"', "delivery.provider: 'sengrid' is not a provider: use console, dry-run, eml,"),
        ("[delivery]\nrate = -1", "delivery.rate: must be at least 0"),
        ("[delivery]\nrate = inf", "delivery.rate: must be a finite number"),
        ("[delivery]\nconcurrency = 1000", "delivery.concurrency: must be at most 100"),
        ('[delivery]\ntimeout = "0s"', "delivery.timeout: must be more than nothing"),
        ("[delivery]\nbatch = 0", "delivery.batch: must be at least 1"),
        ("[providers.mailpit]\nhost = 'x'", "providers.mailpit: 'mailpit' is not a provider"),
        (
            "[providers.smpt]\nhost = 'x'",
            (
                "providers.smpt: 'smpt' is not a provider: use console, dry-run, eml, maildir, mailgun, postmark, resend, sendgrid, ses or smtp,"
                " or install its plugin; did you mean 'smtp'?"
            ),
        ),
        ("[providers.dry-run]\nhost = 'x'", "providers.dry-run: there is nothing to configure for a dry run"),
        ("[providers.smtp.dkim]\ndomian = 'x'", "providers.smtp.dkim.domian: unknown key; did you mean 'domain'?"),
        ("[providers.mailgun]\ndomain = 'a b'", "providers.mailgun.domain: 'a b' is not a domain of e-mail addresses"),
        ("[providers.postmark]\nmessage_stream = ''", "providers.postmark.message_stream: must not be empty"),
        ("[providers.smtp]\nport = 70000", "providers.smtp.port: must be at most 65535"),
        ("[providers.smtp]\nhost = 'a\\r\\nb'\nhots = 'x'", "providers.smtp.hots: unknown key; did you mean 'host'?"),
        ('[database]\nurl = "mysql://x"', "database.url: is not a database URL"),
        ("editors = 3", "newsletters.0.editors: unknown key"),
        ("[editors]\nemails = 'ada@example.com'", "editors.emails: must be a list"),
        (
            "[editors]\nemails = ['ada@example']",
            "editors.emails.0: 'ada@example' is not an e-mail address: the part after the @-sign has no dot",
        ),
    ],
)
def test_a_wrong_table_is_told_with_its_key_and_file(project: Project, more: str, line: str) -> None:
    project.write(more)
    assert f"config/digest.toml: {line}" in project.fails()


def test_case_15_a_frequency_called_2_is_refused(project: Project) -> None:
    project.write(schedule='schedule = { 2 = "0 9 * * 1" }')
    assert "newsletters.0.schedule.2: '2' is not a frequency: use daily, weekly, monthly" in project.fails()
    project.write(schedule='schedule = { weekley = "0 9 * * 1" }')
    assert "did you mean 'weekly'?" in project.fails()


def test_names_are_given_once(project: Project) -> None:
    again = (
        '[[newsletters]]\nslug = "weekly"\ntitle = "W"\nschedule = "0 9 * * 1"\ntopics = { a = { title = "A", tags = ["a"] } }'
    )
    project.write(again)
    assert (
        project.fails()
        == "config/digest.toml: newsletters.1.slug: 'weekly' is already the slug of newsletters.0; each needs its own"
    )
    project.write('[[sources]]\nname = "articles"\nkind = "feed"\nurl = "https://x.example/feed"')
    assert "sources.1.name: 'articles' is already the name of sources.0" in project.fails()


def test_all_problems_are_told_at_once(project: Project) -> None:
    project.write("[delivery]\nprovider = 'sntp'\nrate = 'fast'", name="naem = 'x'")
    message = project.fails(DIGEST_PROVIDERS__SMTP__PORT="many", DIGEST_FOO="1", DIGEST_DATABASE_URL="x")
    for part in (
        "config/digest.toml: site.naem: unknown key",
        "config/digest.toml: site.name: is missing",
        "config/digest.toml: delivery.provider: 'sntp'",
        "config/digest.toml: delivery.rate: must be a number, not 'fast'",
        "DIGEST_PROVIDERS__SMTP__PORT in the environment: providers.smtp.port: must be a whole number, not 'many'",
        "DIGEST_FOO in the environment: unknown variable",
        "DIGEST_DATABASE_URL in the environment: unknown variable; did you mean 'DIGEST_DATABASE__URL'?",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DIGEST_SITE__NAEM", "x", "DIGEST_SITE__NAEM in the environment: site.naem: unknown key; did you mean 'name'?"),
        ("DIGEST_NOW", "2026-11-23T09:00:00Z", "DIGEST_NOW in the environment: unknown variable"),
        ("DIGEST_PROJECT", "/", "DIGEST_PROJECT in the environment: unknown variable"),
        (
            "DIGEST_STARTED_AT__X",
            "x",
            "DIGEST_STARTED_AT__X in the environment: unknown variable; did you mean 'DIGEST_STARTED_AT'?",
        ),
        (
            "DIGEST_EDITORS__EMAILS",
            "a@b.example",
            'editors.emails: must be a list: in a variable, write it as JSON, such as ["a", "b"]',
        ),
        ("DIGEST_EDITORS__EMAILS", '["a@b.example"', "editors.emails: must be a list: in a variable, write it as JSON"),
        ("DIGEST_NEWSLETTERS", "[" * 100_000, "DIGEST_NEWSLETTERS in the environment: newsletters: must be a list"),
        ("DIGEST_SITE", "x", "DIGEST_SITE in the environment: site: must be a table: in a variable, write it as JSON"),
        ("DIGEST_NEWSLETTERS", "weekly", "DIGEST_NEWSLETTERS in the environment: newsletters: must be a list"),
        (
            "DIGEST_NEWSLETTERS__X__TITLE",
            "weekly",
            "DIGEST_NEWSLETTERS__X__TITLE in the environment: newsletters: must be a list",
        ),
        ("DIGEST_NOTICES__URLS", '["http://hooks.example/x"]', "notices.urls: number 0 is no https address without a login"),
        ("DIGEST_NOTICES__URLS", '["https://a:b@hooks.example/x"]', "notices.urls: number 0 is no https address without a login"),
        ("DIGEST_NOTICES__URLS", '["https://hooks.example/x"]', "notices: secret: what is posted to urls is signed"),
        ("DIGEST_NOTICES__REMIND", '["1"]', "notices.remind.0: '1' is not a duration"),
        ("DIGEST_DELIVERY__UNKNOWN_AFTER", "24", "delivery.unknown_after: '24' is not a duration"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(project: Project, name: str, value: str, line: str) -> None:
    assert line in project.fails(**{name: value})


def test_the_variables_of_env_and_of_secrets_are_checked_too(project: Project) -> None:
    (project.folder / "secrets").mkdir()
    (project.folder / "secrets" / "DIGEST_SECRETKEY").write_text("x")
    (project.folder / ".env").write_text("DIGEST_DELIVERY_RATE=1\nDIGEST_CONFIG=x\n")
    message = project.fails()
    assert "DIGEST_SECRETKEY in the secrets folder secrets: unknown variable; did you mean 'DIGEST_SECRET_KEY'?" in message
    assert "DIGEST_DELIVERY_RATE in .env: unknown variable; did you mean 'DIGEST_DELIVERY__RATE'?" in message
    assert "DIGEST_CONFIG in .env: is read from the environment alone" in message


def test_a_broken_line_of_env_is_told_without_its_content(project: Project) -> None:
    (project.folder / ".env").write_text("DIGEST_DELIVERY__RATE=1\nDIGEST_SECRET_KEY='canary\n")
    message = project.fails()
    assert message.startswith(".env: line 2 is not NAME=value")
    assert "canary" not in message


def test_a_missing_file_says_how_to_make_one(project: Project) -> None:
    project.file.unlink()
    assert project.fails().startswith("config/digest.toml: no such file; make a project with `digest init`")
    assert project.fails(DIGEST_CONFIG="config").startswith("config: is not a file")


def test_what_is_not_toml_is_told_with_its_line(project: Project) -> None:
    project.file.write_text("[site]\nname = Backend\n")
    assert project.fails() == "config/digest.toml: is not TOML: Invalid value (at line 2, column 8)"
    project.file.write_text('[site]\nname = "a"\nname = "b"\n')
    assert "at line 3" in project.fails()
    project.file.write_bytes(b'[site]\nname = "B\xfccher"\n')
    assert project.fails() == "config/digest.toml: is not UTF-8 at byte 16: save it as UTF-8"


def test_a_missing_secret_key_says_how_to_make_one(project: Project) -> None:
    with pytest.raises(UsageError, match=r"secret_key: is missing: set DIGEST_SECRET_KEY in \.env .* python3 -c") as caught:
        read_settings(None, {})
    assert caught.value.exit_code == 2


def test_keys_that_the_reader_sets_are_not_for_the_file(project: Project) -> None:
    project.write(started_at="started_at = 2026-11-01T00:00:00Z\nproject = '/'")
    assert "config/digest.toml: project: unknown key" in project.fails()


def test_a_file_outside_of_the_current_folder_is_named_in_full(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other: Path = tmp_path_factory.mktemp("other") / "digest.toml"
    other.write_text("started = 1")
    with pytest.raises(UsageError, match=f"{other}: started: unknown key; did you mean 'started_at'"):
        read_settings(other, {"DIGEST_SECRET_KEY": SECRET})
