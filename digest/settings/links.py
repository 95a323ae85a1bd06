"""How links in mails are marked, so that the publisher's own statistics know where a reader came from."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from digest.settings.table import Table
from digest.settings.types import Line

PLACES = ("newsletter", "number", "date")
"""What a parameter may name in braces; each is filled in when an issue is frozen."""
_PLACE = re.compile(r"\{([^{}]*)\}")


def _mark(text: str) -> str:
    unknown = [name for name in _PLACE.findall(text) if name not in PLACES]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACES)
        raise ValueError(f"{{{unknown[0]}}} means nothing here; it may name {known}")
    return text


Mark = Annotated[Line, AfterValidator(_mark)]


class Utm(Table):
    """The parameters added to each link to an article, the site or a sponsor, `utm_source` and so on; those it has already stay.

    They may name `{newsletter}`, `{number}` and `{date}`. Links of Digest's own, such as unsubscribe links, never carry them.
    """

    source: Mark = Field(min_length=1, description="Where readers come from, such as `newsletter`.")
    medium: Mark = Field("email", min_length=1, description="By what way.")
    campaign: Mark = Field("{newsletter}-{number}", min_length=1, description="Which issue.")

    def filled(self, **places: object) -> tuple[tuple[str, str], ...]:
        """Names and values for one issue."""
        return tuple(
            (f"utm_{name}", _PLACE.sub(lambda found: str(places[found[1]]), getattr(self, name)))
            for name in type(self).model_fields
        )


class Links(Table):
    """How links in mails are marked."""

    utm: Utm | None = Field(None, description='Such as `{ source = "newsletter" }`; by default links stay as they are.')
