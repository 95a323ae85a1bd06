"""Reports of errors to Sentry, or to what understands its protocol, where a project wants them: scrubbed like log lines.

Told are what went wrong, of which kind the error was, and where in the code; never the words of an error, the values of variables,
the request, or the machine's name.
"""

from __future__ import annotations

import logging
from typing import Any

from digest import __version__
from digest.app.scrubbing import Scrubber
from digest.errors import UsageError
from digest.settings import Settings

_KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")
_OF_A_FRAME = ("filename", "function", "module", "lineno", "in_app")


_scrubbers: list[Scrubber] = []
"""The one of this process's reports, where it makes some."""


def report_errors(settings: Settings, transport: Any = None) -> None:
    """Tell errors from now on; nothing where nobody wants to hear them. `UsageError` where what tells them is not installed."""
    if settings.error_reports.dsn is None:
        return
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.excepthook import ExcepthookIntegration
        from sentry_sdk.integrations.logging import LoggingIntegration
        from sentry_sdk.integrations.threading import ThreadingIntegration
        from sentry_sdk.utils import BadDsn
    except ModuleNotFoundError:
        raise UsageError("error_reports.dsn needs sentry-sdk: install digest-newsletter[sentry]") from None
    scrubber = Scrubber(settings)
    _scrubbers[:] = [scrubber]
    try:
        sentry_sdk.init(
            settings.error_reports.dsn.get_secret_value(),
            environment=settings.error_reports.environment,
            release=f"digest@{__version__}",
            before_send=lambda event, _: scrubbed(scrubber, event),
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                AtexitIntegration(callback=lambda _, __: None),
                ExcepthookIntegration(),
                ThreadingIntegration(),
                LoggingIntegration(level=None, event_level=logging.ERROR),
            ],
            auto_session_tracking=False,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            send_client_reports=False,
            server_name="",
            transport=transport,
        )
    except BadDsn:
        raise UsageError("error_reports.dsn is no address of Sentry's: copy it from the project's settings there") from None


def scrub_reports(settings: Settings) -> None:
    """From now on no report holds a secret of these settings either."""
    for scrubber in _scrubbers:
        scrubber.learn(settings)


def scrubbed(scrubber: Scrubber, event: Any) -> Any:
    """What is left of an event: everything by name, so that nothing new comes along by itself."""
    left = {key: event[key] for key in _KEPT if key in event}
    words = event.get("logentry", {}).get("formatted") or event.get("logentry", {}).get("message") or event.get("message")
    if words:
        left["message"] = scrubber.text(str(words))
    action = event.get("extra", {}).get("action")
    if action:
        left["tags"] = {"action": scrubber.text(str(action))}
    if event.get("exception"):
        left["exception"] = {"values": [_error(one) for one in event["exception"].get("values", ())]}
    return left


def _error(found: Any) -> dict[str, Any]:
    """Its kind and its lines of code."""
    frames = found.get("stacktrace", {}).get("frames", ())
    told = [{key: frame[key] for key in _OF_A_FRAME if key in frame} for frame in frames]
    return {"type": found.get("type"), "module": found.get("module"), "value": "", "stacktrace": {"frames": told}}
