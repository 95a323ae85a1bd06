"""Checks of contrast: that what is written can be read, in light and in dark (WCAG 2.2, 4.5:1)."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.checks.styles import Styles
from digest.settings.contrast import contrast

ENOUGH = 4.5


def contrast_low(mail: Mail) -> Iterator[Fault]:
    """Every text stands out from what it is written upon by 4.5:1."""
    styles, told = Styles(mail.page), set()
    texts = [(element, " ".join(text.split())) for element, text in mail.page.texts if not element.hidden]
    for scheme in ("light", "dark"):
        for element, text in texts:
            written, upon = styles.colours(element, dark=scheme == "dark")
            if not written or not upon or not any(c.isalnum() for c in text) or (pair := (scheme, written, upon)) in told:
                continue
            told.add(pair)
            ratio = contrast(written, upon)
            if ratio < ENOUGH:
                shown = text if len(text) <= 40 else f"{text[:39]}…"
                what = f"“{shown}” is {written} on {upon} in {scheme} mode, a contrast of {ratio:.2f}:1"
                yield Fault("html part", what, f"darken or lighten one of the two, to at least {ENOUGH}:1")
