"""Finding a provider by its name, through the entry points of the group `digest.providers`.

The built-in ones come through the same door. A provider's module is imported when it is asked for, and not before.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib.metadata import EntryPoint
from typing import cast

from digest.delivery.providers.port import EventReader, Provider
from digest.delivery.providers.webhook import Webhook
from digest.errors import Unreachable, UsageError
from digest.settings import Settings
from digest.settings.plugins import installed

GROUP = "digest.providers"
WEBHOOKS = "digest.webhooks"


def provider_names() -> list[str]:
    """Every name there is, in order."""
    return sorted({entry.name for entry in installed(GROUP)})


def open_provider(settings: Settings) -> Provider:
    """The provider that `delivery.provider` names."""
    return find_provider(settings.delivery.provider, settings)


def find_provider(name: str, settings: Settings, key: str = "delivery.provider") -> Provider:
    """The provider called `name`, as the setting `key` says; `UsageError` when there is none, or when it lacks a setting."""
    factory = _load(choose(name, installed(GROUP), key), key)
    return cast("Provider", factory(settings))  # type: ignore[operator] # an entry point is typed as an object


def find_event_reader(name: str) -> EventReader:
    """What turns that provider's own reports into events, its attribute `read_events`; no setting of it is needed."""
    factory = _load(choose(name, installed(GROUP), "--provider"), "--provider")
    reader: EventReader | None = getattr(factory, "read_events", None)
    if reader is None:
        raise UsageError(f"the provider {name} reports no events that Digest can read; name another with --provider")
    return reader


def webhook_names() -> list[str]:
    """Every provider that can post what it reports, in order."""
    return sorted({entry.name for entry in installed(WEBHOOKS)})


def make_webhook(name: str, settings: Settings) -> Webhook | None:
    """What tells reports of the provider called `name` from anybody's; None while it has no key, or where there is no such webhook."""
    named = [entry for entry in installed(WEBHOOKS) if entry.name == name]
    if not named:
        return None
    factory = _load(choose(name, named, "webhook"), "webhook")
    return cast("Webhook | None", factory(settings))  # type: ignore[operator] # an entry point is typed as an object


def choose(name: str, entries: Iterable[EntryPoint], key: str = "delivery.provider") -> EntryPoint:
    """The one entry called `name`; `UsageError` for none, and for two that disagree, `Unreachable` where there are no entries at all."""
    found = list(entries)
    if not found:  # our own are always among them
        raise Unreachable(
            "what is installed cannot be read just now, and no provider be found; run it again, or install Digest anew"
        )
    named = {entry.value: entry for entry in found if entry.name == name}
    if len(named) > 1:
        raise UsageError(f'{key} is "{name}", and several packages offer that: {", ".join(sorted(named))}; remove all but one')
    if not named:
        names = sorted({entry.name for entry in found})
        near = get_close_matches(name, names, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise UsageError(f'{key} is "{name}", which is no provider{hint} (there are: {", ".join(names)})')
    return next(iter(named.values()))


def _load(entry: EntryPoint, key: str) -> object:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f'{key} is "{entry.name}", but {entry.value} cannot be loaded: {error}') from error
