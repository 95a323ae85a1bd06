"""Finding providers by name."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from digest.delivery.providers.registry import GROUP, choose, find_provider, open_provider, provider_names
from digest.errors import UsageError
from digest.testing.specimens import some_settings


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


def test_the_built_in_ones_are_there() -> None:
    assert {"dry-run", "sendgrid", "smtp"} <= set(provider_names())


@pytest.mark.parametrize("name", ["dry-run", "sendgrid", "smtp"])
def test_each_is_found_by_its_name(name: str) -> None:
    settings = some_settings(delivery={"provider": name}, providers={"sendgrid": {"api_key": "SG.key"}})
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


def test_two_packages_with_one_name_are_not_guessed_between() -> None:
    with pytest.raises(UsageError, match="several packages"):
        choose("smtp", [entry("smtp", "digest.x:Smtp"), entry("smtp", "other:Smtp")])


def test_one_entry_found_twice_is_one() -> None:
    assert choose("smtp", [entry("smtp", "x:Smtp")] * 2).value == "x:Smtp"


@pytest.mark.parametrize("value", ["no_such_package_anywhere:Thing", "digest.errors:NoSuchClass"])
def test_one_that_cannot_be_loaded_says_why(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.delivery.providers.registry.entry_points", lambda group: [entry("broken", value)])
    with pytest.raises(UsageError, match="cannot be loaded"):
        find_provider("broken", some_settings())


def test_looking_for_one_imports_no_other() -> None:
    program = (
        "import sys\n"
        "from digest.delivery.providers.registry import provider_names\n"
        "provider_names()\n"
        "sys.exit(any(name.split('.')[0] in {'sendgrid', 'python_http_client'} for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
