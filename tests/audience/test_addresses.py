"""The quick way to a canonical address is the right way."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.audience.addresses import canonical_address
from digest.errors import UsageError
from digest.settings.types import parse_address

_ATOMS = st.text(alphabet="abcXYZ019_+-.'é@ ", max_size=70)
_DOMAINS = st.text(alphabet="abcX09-.ü", max_size=70)


@given(st.builds("{}@{}".format, _ATOMS, _DOMAINS) | st.emails())
@example("a@xn--bcher-kva.example")
@example("a@xn--zzzzzzz.example")
@example("a@127.0.0.1")
@example("a@localhost")
@example("a@com")
@example("a@-x.example")
@example("a@x.example.")
@example("x" * 65 + "@x.example")
@example("x" * 64 + "@" + "y" * 63 + "." + "z" * 63 + "." + "w" * 58 + ".com")
@example("x" * 64 + "@" + "y" * 63 + "." + "z" * 63 + "." + "w" * 57 + ".com")
@example("K@x.example")
def test_it_is_always_what_the_settings_say_an_address_is(text: str) -> None:
    try:
        expected: str | None = parse_address(text.strip())
    except ValueError:
        expected = None
    try:
        found: str | None = canonical_address(text)
    except UsageError:
        found = None
    assert found == expected


def test_what_is_not_an_address_is_refused_by_what_was_written() -> None:
    with pytest.raises(UsageError, match=r"ann@nowhere"):
        canonical_address("ann@nowhere")
