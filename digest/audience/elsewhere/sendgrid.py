"""SendGrid: Marketing contacts, and the lists of who must not be mailed.

Contacts (*Marketing → Contacts → Export CSV*): EMAIL, FIRST_NAME, LAST_NAME, ADDRESS_LINE_1, ..., CREATED_AT, UPDATED_AT,
CONTACT_ID, then own fields; read off exports in public repositories. A contact has no status: who unsubscribed, bounced
or complained stands in the suppressions, which are exported each by itself. These have `email` and `created` (seconds
since 1970), some `reason`, `status` and `ip`, as the API's objects have; since bounces and blocks look alike, a person
says which list it is.
"""

from __future__ import annotations

from digest.audience.elsewhere.format import Cell, Format, Judged
from digest.audience.elsewhere.standing import Standing


def judge(_: Cell, __: str) -> Judged:
    """A contact."""
    return Judged(Standing.UNSAID, "contact")


FORMAT = Format(
    name="sendgrid",
    title="SendGrid",
    known_by=(frozenset({"email", "contact_id"}),),
    judge=judge,
    person=(("first_name", "last_name"), ("name",)),
    opted_in=("created_at",),
)

SUPPRESSIONS = Format(
    name="sendgrid-suppressions",
    title="SendGrid's suppressions",
    known_by=(frozenset({"email", "created"}),),
    judge=lambda _, __: Judged(Standing.LEFT_OUT, "a list of which nobody has said what it is"),
    person=(),
    ended=("created",),
)
