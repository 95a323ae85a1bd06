"""How questions to a scribe and its answers are framed."""

from __future__ import annotations

import struct

FRAME = struct.Struct(">QQ")
"""A number, which the answer has as well, and how many bytes follow."""
