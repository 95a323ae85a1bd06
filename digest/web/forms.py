"""Forms: what a page, or a mail program, has posted. Texts alone; a file in a form is nothing that we know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

_MOST_FIELDS = 200
_LONGEST = 4096


class Form:
    """The fields of a form, each with its values in their order, without blanks around them."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """A field's only, or last, value; empty where there is none."""
        return (self._fields.get(name) or [""])[-1]

    def texts(self, name: str) -> list[str]:
        """Every value of a field, those that are empty aside."""
        return [value for value in self._fields.get(name, ()) if value]

    def __contains__(self, name: object) -> bool:
        return name in self._fields


async def read_form(request: Request) -> Form:
    """The form that was posted, in either encoding; an `HTTPException` says what is wrong with it."""
    try:
        posted = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    except MultiPartException as error:
        raise HTTPException(400, error.message) from None
    except ClientDisconnect:  # nobody will read it
        raise HTTPException(400, "The request broke off.") from None
    fields: dict[str, list[str]] = {}
    for name, value in posted.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(storable(value[:_LONGEST]).strip())
    return Form(fields)


def storable(text: str) -> str:
    """A text without what no database takes and no page can be written with: NUL, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


async def read_whatever_came(request: Request) -> Form:
    """The form that was posted, or an empty one where that is broken, too large or of another kind."""
    try:
        return await read_form(request)
    except (HTTPException, ValueError, KeyError, LookupError):
        return Form({})
