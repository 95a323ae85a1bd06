"""Finding providers by name."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from digest.delivery.providers.registry import GROUP, choose, find_provider, open_provider, provider_names
from digest.errors import Unreachable, UsageError
from digest.settings import plugins
from digest.testing.service_stubs import SERVICES, SES
from digest.testing.specimens import some_settings


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


BUILT_IN = ("console", "dry-run", "eml", "maildir", "mailgun", "postmark", "resend", "sendgrid", "ses", "smtp")


def test_the_built_in_ones_are_there_and_the_settings_know_their_names() -> None:
    assert set(BUILT_IN) <= set(provider_names())
    assert sorted(BUILT_IN) == sorted(plugins.PROVIDERS)


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_is_found_by_its_name(name: str) -> None:
    keys = {"sendgrid": {"api_key": "SG.key"}} | {service.name: dict(service.settings) for service in SERVICES}
    settings = some_settings(delivery={"provider": name}, providers=keys)
    assert find_provider(name, settings).name == name
    assert open_provider(settings).name == name


def test_an_unknown_one_names_the_key_and_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        find_provider("sendgird", some_settings())
    assert str(caught.value).startswith('delivery.provider is "sendgird", which is no provider; did you mean "sendgrid"?')
    assert "dry-run" in str(caught.value)


def test_one_that_resembles_none_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match=r'"pigeon", which is no provider \(there are: a, b\)'):
        choose("pigeon", [entry("b", "x:B"), entry("a", "x:A")])


def test_where_nothing_that_is_installed_can_be_read_nobody_is_told_to_change_the_configuration() -> None:
    with pytest.raises(Unreachable, match="what is installed cannot be read just now"):  # too many open files, for one
        choose("smtp", [])


def test_two_packages_with_one_name_are_not_guessed_between() -> None:
    with pytest.raises(UsageError, match="several packages"):
        choose("smtp", [entry("smtp", "digest.x:Smtp"), entry("smtp", "other:Smtp")])


def test_one_entry_found_twice_is_one() -> None:
    assert choose("smtp", [entry("smtp", "x:Smtp")] * 2).value == "x:Smtp"


@pytest.mark.parametrize("value", ["no_such_package_anywhere:Thing", "digest.errors:NoSuchClass"])
def test_one_that_cannot_be_loaded_says_why(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.delivery.providers.registry.installed", lambda _: (entry("broken", value),))
    with pytest.raises(UsageError, match="cannot be loaded"):
        find_provider("broken", some_settings())


def test_looking_for_one_imports_no_other() -> None:
    program = (
        "import sys\n"
        "from digest.delivery.providers.registry import provider_names\n"
        "provider_names()\n"
        "sys.exit(any(name.split('.')[0] in {'sendgrid', 'python_http_client', 'boto3', 'botocore', 'cryptography'} for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_carrier_needs_no_template_engine_and_no_database() -> None:
    program = (
        "import sys\n"
        "import digest.delivery.engines.carrier_child, digest.delivery.press, digest.delivery.providers.sendgrid, digest.settings\n"
        "sys.exit(any(name.split('.')[0] in {'jinja2', 'mjml', 'sqlalchemy'} for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_smtp_without_signatures_imports_no_cryptography() -> None:
    program = (
        "import sys\n"
        "from digest.delivery.providers.smtp import Smtp\n"
        "from digest.testing.specimens import some_settings\n"
        "Smtp(some_settings())\n"
        "sys.exit(any(name.split('.')[0] == 'cryptography' for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("module", "provider", "words"),
    [
        ("boto3", "ses", "the provider ses needs boto3: install digest-newsletter[ses]"),
        ("cryptography", "smtp", "providers.smtp.dkim needs cryptography: install digest-newsletter[dkim]"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(module: str, provider: str, words: str) -> None:
    dkim = {"domain": "x.example", "selector": "x", "key_file": "x"}
    tables = {"ses": dict(SES.settings), "smtp": {"dkim": dkim}}
    program = (
        f"import sys\nsys.modules[{module!r}] = None\n"
        "from digest.delivery.providers.registry import find_provider\n"
        "from digest.errors import UsageError\n"
        "from digest.testing.specimens import some_settings\n"
        f"try:\n    find_provider({provider!r}, some_settings(providers={tables!r}))\n"
        "except UsageError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert told == words + "\n"
