"""The checks of an issue: pure functions over its widest rendition, each under the name that settings know it by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from digest.checks.clients import client_support
from digest.checks.contrast import contrast_low
from digest.checks.dates import date_passed
from digest.checks.finding import Fault, Finding, Severity
from digest.checks.footer import postal_address_missing, unsubscribe_header_missing, unsubscribe_link_missing
from digest.checks.html_validity import html_malformed
from digest.checks.links import links_broken, links_private, links_unreachable, public_url_insecure
from digest.checks.mail import Mail
from digest.checks.pictures import picture_text_missing, pictures_heavy, pictures_unreachable
from digest.checks.placeholders import article_placeholders, placeholders
from digest.checks.repeats import articles_repeated, subject_repeated
from digest.checks.size import clipped, degraded, nearly_clipped
from digest.checks.spam import spam
from digest.checks.subject import preheader_missing, subject_long, subject_missing
from digest.checks.template import template_doubtful, template_mistaken
from digest.checks.text_part import text_differs
from digest.settings.checks import Checks

Check = Callable[[Mail], Iterable[Fault]]

CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        subject_missing,
        subject_long,
        subject_repeated,
        preheader_missing,
        placeholders,
        article_placeholders,
        links_broken,
        links_private,
        links_unreachable,
        pictures_unreachable,
        pictures_heavy,
        picture_text_missing,
        unsubscribe_link_missing,
        unsubscribe_header_missing,
        postal_address_missing,
        public_url_insecure,
        clipped,
        nearly_clipped,
        degraded,
        text_differs,
        template_mistaken,
        template_doubtful,
        html_malformed,
        contrast_low,
        client_support,
        spam,
        articles_repeated,
        date_passed,
    )
}
"""Every check by its name, which is its key in `[checks]`."""
ONLINE = ("links_unreachable", "pictures_unreachable", "pictures_heavy")
"""Those that say nothing where nobody asked the network."""


def check(mail: Mail, weights: Checks, *, errors_only: bool = False, checks: Mapping[str, Check] = CHECKS) -> list[Finding]:
    """Every finding, errors first; or the errors, and nothing else is looked for."""
    found = [
        Finding.of(name, Severity(weight), fault)
        for name, look in checks.items()
        if (weight := getattr(weights, name)) == "error" or (weight == "warning" and not errors_only)
        for fault in _looked(name, look, mail)
    ]
    return sorted(found, key=lambda finding: finding.severity is not Severity.ERROR)


def _looked(name: str, look: Check, mail: Mail) -> list[Fault]:
    """What a check says; where it stumbles, that: what nobody could look at is no more right than what is wrong."""
    try:
        return list(look(mail))
    except Exception as error:  # its defect is told, and other issues and checks go on
        line = " ".join(f"{type(error).__name__}: {error}".split())
        mend = f"tell whoever maintains Digest, and until then set checks.{name} to ignore"
        return [Fault("the check itself", f"it failed ({line})", mend)]
