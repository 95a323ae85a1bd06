"""Drawings for the gallery, in the place of pictures that cannot exist: hosts under `.example` (RFC 2606), as the sample's are."""

from __future__ import annotations

import re
from urllib.parse import quote
from zlib import crc32

_PICTURE = re.compile(r"""(<img\b[^>]*?\ssrc=")(https?://(?:[^/"?#:@]+\.)?example(?::\d+)?/[^"]*)(?=")""", re.IGNORECASE)
_DRAWING = """<svg xmlns='http://www.w3.org/2000/svg' width='640' height='360' viewBox='0 0 640 360'>\
<linearGradient id='sky' x2='1' y2='1'><stop stop-color='hsl({hue},48%,36%)'/><stop offset='1' stop-color='hsl({next},46%,64%)'/>\
</linearGradient><path fill='url(#sky)' d='M0 0h640v360H0z'/><g fill='white'><circle cx='{sun}' cy='118' r='52' opacity='.4'/>\
<path opacity='.16' d='M0 262Q160 {hill} 330 256T640 226V360H0z'/><path opacity='.22' d='M0 312Q220 236 410 308T640 290V360H0z'/></g></svg>"""


def draw_pictures(html: str) -> str:
    """`html` with a drawing wherever a picture's host is under `.example`; the same address is always drawn alike."""
    return _PICTURE.sub(lambda found: found[1] + _drawing(found[2]), html)


def _drawing(address: str) -> str:
    seed = crc32(address.encode())
    hue = seed % 360
    drawn = _DRAWING.format(hue=hue, next=(hue + 48) % 360, sun=120 + seed // 360 % 400, hill=150 + seed // 7 % 60)
    return "data:image/svg+xml," + quote(drawn, safe=" =:/,()'")
