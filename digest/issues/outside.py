"""Outside the slots: issues that a person makes by hand.

Where others have the frequency of their readers these have a word that is none, so that what goes by frequency (slots, coverage
points, windows, who is welcomed with what) passes them by, and so that their deliveries' ids are nobody else's. Their slot is the minute
they were made in.
"""

from __future__ import annotations

SPECIAL = "special"
"""Goes to everybody of its newsletter, whatever their frequency."""

CORRECTION = "correction"
"""Goes to those who were sent another issue, and holds no article."""

OUTSIDE = (SPECIAL, CORRECTION)
