"""The names of sources and providers: the built-in ones, and those that installed plugins bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from digest.settings.types import nearest

# Known without asking every installed package for its entry points, which is slow.
PROVIDERS = ("console", "dry-run", "eml", "maildir", "mailgun", "postmark", "resend", "sendgrid", "ses", "smtp")
TELL_NOTHING = frozenset({"console", "dry-run", "eml", "maildir", "mailgun", "sendgrid", "ses", "smtp"})
"""Providers that never tell of opens or clicks: mails have no way to, or Digest switches that off in each (a server of Postmark and
a domain of Resend may have it on)."""
SOURCES = ("feed", "ghost", "json", "markdown", "sitemap", "wordpress")
_BUILT_IN = {"digest.sources": SOURCES, "digest.providers": PROVIDERS}
_CONFIGURABLE = frozenset(PROVIDERS) - {"dry-run"}


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """What installed packages offer in a group of entry points; they are all read for it, once in a process."""
    return tuple(entry_points(group=group))


def unknown_plugins(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path of every name of a source or provider that nothing installed answers to, and what to do."""
    sources = values.get("sources")
    for index, source in enumerate(sources if isinstance(sources, list) else []):
        if isinstance(source, dict):
            yield from _unknown("digest.sources", source.get("kind"), ("sources", str(index), "kind"), "kind of source")
    delivery = values.get("delivery")
    if isinstance(delivery, dict):
        yield from _unknown("digest.providers", delivery.get("provider"), ("delivery", "provider"), "provider")
    providers = values.get("providers")
    for name in providers if isinstance(providers, dict) else ():
        if name == "dry-run":
            yield ("providers", name), "there is nothing to configure for a dry run: remove the table"
        elif name not in _CONFIGURABLE:
            yield from _unknown("digest.providers", name, ("providers", name), "provider")


def _unknown(group: str, name: Any, path: tuple[str, ...], noun: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(name, str) or name in _BUILT_IN[group]:
        return  # what is not text, the model refuses
    names = sorted({entry.name for entry in installed(group)} | set(_BUILT_IN[group]))
    if name not in names:
        yield (
            path,
            f"{name!r} is not a {noun}: use {', '.join(names[:-1])} or {names[-1]}, or install its plugin{nearest(name, names)}",
        )
