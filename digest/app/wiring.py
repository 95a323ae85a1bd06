"""Wiring: settings, store, clock and provider of one process."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from digest.audience.erased_suppression import LABEL
from digest.audience.tokens import Purpose, derive_key, read_expiring_token, read_token
from digest.catalogue.sources.port import SourceContext
from digest.catalogue.visiting import Visits, user_agent
from digest.delivery.allowance import Plan
from digest.delivery.halting import lift
from digest.delivery.outbox import Outbox, Rehearsed
from digest.delivery.providers.port import Provider
from digest.delivery.providers.registry import find_provider
from digest.errors import UsageError
from digest.settings import NewsletterSettings, Settings
from digest.settings.providers import Providers, ProviderTable
from digest.settings.reading import read_settings
from digest.store.database import Store
from digest.store.epoch import SendEpoch, forget

DRY_RUN = "dry-run"
_UNBOUND = {"rate": 0.0, "domain_rates": {}, "canary": 0.0, "audience_factor": 0.0}


def process_name() -> str:
    """What a process is called in the ledger; a new name each time."""
    return f"{os.uname().nodename[:24]}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class App:
    """One process at work on one project. `now` is the clock of decisions; `outbox` is set in a dry run alone."""

    settings: Settings
    store: Store
    now: datetime
    stop: threading.Event = field(default_factory=threading.Event)
    owner: str = field(default_factory=process_name)
    outbox: Outbox | None = None

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Where templates and their partials are looked for, each file in the first folder that has it."""
        return self.settings.template_folders

    @property
    def key(self) -> bytes:
        """The key that signs tokens and derives ids."""
        return derive_key(self.settings.secret_key.get_secret_value())

    def whose(self, purpose: Purpose, token: str) -> int | None:
        """The subscription that a link's token speaks for; one signed with a former secret holds as `_keys` says."""
        found = (read_token(key, purpose, token) for key in self._keys(purpose))
        return next((one for one in found if one is not None), None)

    def which(self, purpose: Purpose, token: str) -> int | None:
        """The number that a link's token speaks for, until its time is over."""
        found = (read_expiring_token(key, purpose, token, self.now) for key in self._keys(purpose))
        return next((one for one in found if one is not None), None)

    def keys(self) -> Iterator[bytes]:
        """That key, and those of all former secrets."""
        for secret in (self.settings.secret_key, *self.settings.former_secret_keys):
            yield derive_key(secret.get_secret_value())

    def _keys(self, purpose: Purpose) -> Iterator[bytes]:
        """Every former secret unsubscribes for ever; for what may do harm, the last one holds alone, until the next change."""
        former = self.settings.former_secret_keys
        for secret in (self.settings.secret_key, *(former if purpose is Purpose.UNSUBSCRIBE else former[:1])):
            yield derive_key(secret.get_secret_value())

    @property
    def sends_for_real(self) -> bool:
        """False where the configured provider makes every run a dry run."""
        return self.settings.delivery.provider != DRY_RUN

    @property
    def shares_work(self) -> bool:
        """Whether workers send, and not the process that runs; a dry run is one process's."""
        return self.settings.delivery.engine == "workers" and self.outbox is None

    def provider(self) -> Provider:
        """The configured provider; in a dry run one that only writes down what it would carry."""
        provider = find_provider(self.settings.delivery.provider, self.settings)
        return provider if self.outbox is None else Rehearsed(provider, self.outbox)

    def providers(self) -> tuple[Provider, ...]:
        """The configured provider, and its fallback where there is one; a dry run has no use for that."""
        fallback = self.settings.delivery.fallback
        if fallback is None or self.outbox is not None:
            return (self.provider(),)
        return (self.provider(), find_provider(fallback, self.settings, "delivery.fallback"))

    def quotas(self) -> dict[str, Plan]:
        """What each provider may be given in a day, where that is bounded; a dry run gives nobody anything."""
        plans = {provider.name: plan_of(self.settings.providers, provider.name) for provider in self.providers()}
        return {name: plan for name, plan in plans.items() if self.outbox is None and (plan.daily or plan.warm_up)}

    @property
    def epoch(self) -> SendEpoch:
        """The send epoch, with its second place as configured; a dry run has none."""
        named = self.settings.database.epoch
        if named == "none" or self.outbox is not None:
            return SendEpoch(self.store, None)
        if named != "beside":
            return SendEpoch(self.store, self.settings.resolve(Path(named)), shared=self.store.path is None)
        path = self.store.path
        return SendEpoch(
            self.store, self.settings.project / "digest.epoch" if path is None else path.with_name(f"{path.name}.epoch")
        )

    def source_context(self) -> SourceContext:
        """What sources may know: times without a zone are the first newsletter's."""
        visits = Visits(now=self.now, user_agent=user_agent(self.settings.site.url))
        return SourceContext(self.settings.project, ZoneInfo(self.settings.newsletters[0].timezone), visits)

    def newsletter(self, slug: str) -> NewsletterSettings:
        """The newsletter called `slug`."""
        for newsletter in self.settings.newsletters:
            if newsletter.slug == slug:
                return newsletter
        known = ", ".join(newsletter.slug for newsletter in self.settings.newsletters)
        raise UsageError(f"there is no newsletter {slug!r}; the configuration has: {known}")

    def newsletters(self, slug: str | None) -> tuple[NewsletterSettings, ...]:
        """One newsletter, or all of them that are neither moved nor retired."""
        if slug is not None:
            return (self.the_newsletter(slug),)
        return tuple(one for one in self.settings.newsletters if one.current)

    def the_newsletter(self, slug: str | None) -> NewsletterSettings:
        """The one that was named, or the only one there is; one that is neither moved nor retired."""
        current = self.newsletters(None)
        found = current[0] if slug is None and len(current) == 1 else None if slug is None else self.newsletter(slug)
        if found is None:
            known = ", ".join(newsletter.slug for newsletter in current) or "none, all are retired"
            raise UsageError(f"which newsletter? Add --newsletter with one of: {known}")
        if not found.current:
            raise UsageError(f"newsletter {found.slug!r} is {f'moved to {found.moved_to!r}' if found.moved_to else 'retired'}")
        return found

    def run_lock(self) -> Any:
        """Held while sending; in a dry run nobody else can be at the copy."""
        return nullcontext() if self.outbox is not None else self.store.run_lock()

    @contextmanager
    def rehearsing(self, *, every_message: bool = False) -> Iterator[App]:
        """The same application on a copy of the store, with an outbox instead of a provider: nothing it does remains."""
        with self.store.scratch() as store:
            with store.writing() as connection:
                lift(connection, "dry run", self.now)  # a halt keeps mail from leaving, and nothing leaves here
                forget(connection)
            outbox = Outbox(self.settings.project / "outbox", every_message=every_message)
            unhurried = self.settings.delivery.model_copy(update=_UNBOUND)  # nobody is there to be spared
            settings = self.settings.model_copy(update={"delivery": unhurried})
            yield replace(self, settings=settings, store=store, outbox=outbox)


def erased_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys by which a store knows the addresses of erased people again, that of the secret of now first."""
    secrets_ = (settings.secret_key, *settings.former_secret_keys)
    return tuple(derive_key(secret.get_secret_value(), LABEL) for secret in secrets_)


def plan_of(providers: Providers, name: str) -> Plan:
    """The daily bounds in a provider's table, a plugin's too; `UsageError` where that has nonsense."""
    table = getattr(providers, name.replace("-", "_"), None)
    if not isinstance(table, ProviderTable):
        bounds = {key: value for key, value in providers.plugin(name).items() if key in ProviderTable.model_fields}
        try:
            table = ProviderTable.model_validate(bounds)
        except ValidationError as error:
            wrong = error.errors()[0]
            where = ".".join(str(part) for part in ("providers", name, *wrong["loc"]))
            raise UsageError(f"{where}: {wrong['msg'][:1].lower()}{wrong['msg'][1:]}") from None
    return Plan(table.daily_quota, table.warm_up)


@contextmanager
def open_app(config: Path | None, now: datetime | None) -> Iterator[App]:
    """The application of a project, its store not yet touched: `prepared` opens it, a dry run copies it."""
    settings = read_settings(config)
    store = Store(settings.database_url, synchronous=settings.database.synchronous, keys=erased_keys(settings))
    try:
        yield App(settings, store, now or datetime.now(UTC))
    finally:
        store.close()
