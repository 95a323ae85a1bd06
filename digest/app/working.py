"""A worker: takes jobs from the queue and sends with the engine that there is without one, until it is told to stop.

procrastinate's worker fetches the jobs, shows that it is alive and wakes up for new ones; what a job is worth is claimed in
the ledger by one engine at a time, whose connections last from job to job. Beside it, every few seconds each worker looks
after every issue that is being sent: nobody leads, so nobody has to be followed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import procrastinate
import psycopg
from procrastinate.exceptions import ProcrastinateException
from sqlalchemy import select

from digest.app.hearing import watch
from digest.app.sending import obstacle, sender_of
from digest.app.wiring import App, process_name
from digest.delivery import jobs
from digest.delivery.account import account
from digest.delivery.ending import Ending
from digest.delivery.engines.feed import Feed, Ticket
from digest.errors import DigestError, Refused, UsageError
from digest.issues.issue import Issue, issue_by_id, issue_if_there
from digest.issues.lifecycle import IssueState
from digest.store import tables
from digest.store.locking import among_senders
from digest.store.queue import driver_url, prepare_queue
from digest.traces import span

_TEND = 5.0  # seconds
_THOROUGHLY = 12  # every so many times
_AGAIN = 1.0  # seconds after which what could not be reached is tried again
_DRAIN = 7.5  # seconds for what is in hand, when told to stop; with the last traces and the leaving it ends within ten
_PARTING = 2.0  # seconds for leaving the queue, when nothing is in hand any more
_LISTEN = 0.2  # seconds
_CONNECTIONS = 4  # of the queue


@dataclass(slots=True)
class Worker:
    """One worker process. `make` gives the application as it is configured just now; `say` hears what a person should know."""

    make: Callable[[], App]
    stop: threading.Event
    say: Callable[[str], None]
    _feed: Feed = field(default_factory=Feed)
    _pause: threading.Event = field(default_factory=threading.Event)  # ends the engine of now once what it began is answered
    _anew: threading.Event = field(default_factory=threading.Event)
    _share: int = 0
    _broken: BaseException | None = None
    _said: str = ""

    def run(self) -> None:
        """Until `stop` is set. Raises `UsageError` where there is nothing to share."""
        app = self._app()
        app.providers()  # what it lacks is said at once
        prepare_queue(app.store)
        logging.getLogger("procrastinate").addHandler(logging.NullHandler())  # what a person should know is said by us
        self.say(f"worker {app.owner} is at work")
        works = (self._send, self._look_after, lambda: asyncio.run(self._attend()))
        threads = [threading.Thread(target=self._guard, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        while not self.stop.wait(_LISTEN):  # not for ever at once: a signal is heard between two waits
            pass
        ends_at = time.monotonic() + _DRAIN  # whatever waits then, for a server that is away say, is left behind
        self._pause.set()
        for thread, most in zip(threads, (_DRAIN, _DRAIN, _PARTING), strict=True):
            thread.join(max(0.0, min(most, ends_at - time.monotonic())))
        if self._broken is not None:
            raise self._broken

    def look_again(self) -> None:
        """The configuration was read again: the engine and the queue begin anew with it. `UsageError` where it is not a worker's."""
        self._app()
        self._anew.set()

    def _app(self) -> App:
        """The application of this moment, where there is something to share."""
        app = self.make()
        if app.settings.delivery.engine != "workers":
            raise UsageError(
                'delivery.engine is "local": the process that runs sends by itself; set it to "workers" on every machine'
            )
        if not app.sends_for_real:
            raise UsageError("delivery.provider is dry-run: a worker would have nothing to send; name a provider that sends")
        return app

    def _guard(self, work: Callable[[], None]) -> None:
        """A defect ends the worker instead of leaving half of one."""
        try:
            work()
        except BaseException as error:
            self._broken = error
            self.stop.set()

    async def _attend(self) -> None:
        """Take jobs; a queue that is out of reach is tried again."""
        while not self.stop.is_set():
            try:
                await self._take_jobs()
            except (ProcrastinateException, psycopg.Error, OSError) as error:
                self._tell(f"the queue is out of reach ({type(error).__name__}); it is tried again")
            if not self.stop.is_set():
                await asyncio.sleep(_AGAIN)

    async def _take_jobs(self) -> None:
        self._anew.clear()  # first: what is configured after this look is looked at again
        app = self.make()
        connector = procrastinate.PsycopgConnector(conninfo=driver_url(app.store), min_size=1, max_size=_CONNECTIONS, timeout=10)
        queue = procrastinate.App(connector=connector)
        queue.task(name=jobs.TASK)(self._hold)
        async with queue.open_async():
            taking = asyncio.create_task(
                queue.run_worker_async(
                    queues=[jobs.QUEUE],
                    concurrency=2 * app.settings.delivery.concurrency,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=1.0,
                    update_heartbeat_interval=jobs.HEARTBEAT_SECONDS,
                    stalled_worker_timeout=jobs.DEAD_SECONDS,
                    shutdown_graceful_timeout=_DRAIN,
                )
            )
            while not (taking.done() or self.stop.is_set() or self._anew.is_set()):
                await asyncio.wait([taking], timeout=0.1)
            self._pause.set()
            self._feed.end()
            taking.cancel()
            with suppress(asyncio.CancelledError):
                await taking

    async def _hold(self, issue: int) -> None:
        """A job lasts until what was claimed for it is finished, so that it is somebody else's when we die."""
        if self.stop.is_set() or self._anew.is_set():
            return  # nobody would take it any more
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        with span("batch", issue_id=issue):
            self._feed.offer(Ticket(issue, partial(_wake, loop, over)))
            await over.wait()

    def _send(self) -> None:
        while not self.stop.is_set():
            issue_id = self._feed.issue(0.5)
            if issue_id is None:
                continue
            try:
                if self._send_of(issue_id) is not Ending.EMPTY:
                    self._feed.end(issue_id)
            except DigestError as error:
                self._feed.end(issue_id)
                self._tell(str(error))
                if not isinstance(error, Refused):
                    self.stop.wait(_AGAIN)

    def _send_of(self, issue_id: int) -> Ending:
        """Send what there are jobs for of one issue, under a name whose life the database can tell."""
        self._pause.clear()
        if self.stop.is_set():
            return Ending.DRAINED
        app = replace(self._app(), owner=jobs.owner_name(process_name()), stop=self._pause)
        wrong = obstacle(app)
        if wrong is not None:
            raise Refused(wrong)
        with app.store.apart() as session, among_senders(session):  # from here on nothing is restored
            with app.store.reading() as connection:
                issue = issue_if_there(connection, issue_id)
            if issue is None or issue.state is not IssueState.SENDING:
                return Ending.STOPPED  # a job that came late
            app.epoch.advance()  # or is refused, where something was restored since we looked
            jobs.show_alive(session, app.owner)
            with span("send", issue=issue.name) as seen:
                ending, reason = sender_of(app, issue, feed=self._feed, ends=self.stop).work(issue)
                seen.tell(ending=ending.value)
            app.epoch.advance()  # a copy that was made meanwhile is an old one, too
        if reason:
            self._tell(f"{issue.name}: {reason}")
        return ending

    def _look_after(self) -> None:
        times = 0
        while not self.stop.wait(_TEND):
            times += 1
            try:
                self._tend(thoroughly=times % _THOROUGHLY == 0)
            except DigestError as error:
                self._tell(str(error))

    def _tend(self, *, thoroughly: bool) -> None:
        app = self._app()
        _refuse_another_s(app)
        with app.store.apart() as session, among_senders(session):
            _refuse_another_s(app)  # from here on nothing is restored
            self._tend_all(app, thoroughly=thoroughly)

    def _tend_all(self, app: App, *, thoroughly: bool) -> None:
        with app.store.reading() as connection:
            sending = select(tables.issue.c.id).where(tables.issue.c.state == IssueState.SENDING.value)
            issues = [issue_by_id(connection, one) for one in connection.execute(sending).scalars().all()]
            share = jobs.workers(connection)
        if share != self._share and app.settings.delivery.domain_rates:
            self._pause.set()  # each has another part of what a recipient domain takes
        self._share = share
        for issue in issues:
            try:
                self._tend_one(app, issue, thoroughly=thoroughly)
            except DigestError as error:  # it stops only itself: a newsletter, say, that this configuration has not
                self._tell(f"{issue.name}: {error}")

    def _tend_one(self, app: App, before: Issue, *, thoroughly: bool) -> None:
        after = sender_of(app, before).tend(before, thoroughly=thoroughly)
        if before.settled_at is None and after.settled_at is not None:
            with app.store.reading() as connection:
                counted = account(connection, after)
            for alarm in watch(app, after, counted):
                self._tell(f"{after.name}: {alarm}")

    def _tell(self, line: str) -> None:
        """Once, until there is something else to say."""
        if line != self._said:
            self._said = line
            self.say(line)


def _refuse_another_s(app: App) -> None:
    """What was restored or copied is left as it is. A halt is no reason to: what ends meanwhile is noticed all the same."""
    wrong = app.epoch.obstacle()
    if wrong is not None:
        raise Refused(wrong)


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
