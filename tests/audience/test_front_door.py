"""What the audience's front door names is there, and loaded only when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import digest.audience as front_door


def test_everything_it_names_is_there_and_nothing_else() -> None:
    assert all(getattr(front_door, name) is not None for name in front_door.__all__)
    assert set(front_door.__all__) == set(front_door._HOMES)
    with pytest.raises(AttributeError, match="no attribute 'nobody'"):
        front_door.nobody  # noqa: B018 - asking is what is tried


def test_who_makes_links_alone_loads_no_database() -> None:
    code = "import sys, digest.audience.tokens, digest.audience.links; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
