"""The gallery's frames, and the drawings in them."""

from __future__ import annotations

import pytest

from digest.delivery.drawings import draw_pictures
from digest.delivery.gallery import preferring

MAIL = (
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
    "<style>:root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { p { color: #fff } }</style><p>light dark</p>"
)


@pytest.mark.parametrize(("scheme", "media"), [("light", "@media not all {"), ("dark", "@media all {")])
def test_a_frame_is_light_or_dark_whatever_the_screen_prefers(scheme: str, media: str) -> None:
    shown = preferring(scheme, MAIL)
    assert media in shown
    assert "prefers-color-scheme" not in shown
    assert f"color-scheme: {scheme};" in shown
    assert shown.count(f'content="{scheme}"') == 2
    assert "<p>light dark</p>" in shown


def test_a_picture_that_cannot_exist_is_drawn_always_alike_and_any_other_is_left_alone() -> None:
    for address in ("https://backend.example/a.jpg", "http://example/a", "https://www.backend.example:8080/a.png?b=1&amp;c"):
        drawn = draw_pictures(f'<img alt="A map" src="{address}" width="520">')
        assert drawn.startswith('<img alt="A map" src="data:image/svg+xml,')
        assert drawn.endswith('" width="520">')
        assert drawn.count('"') == 6
        assert draw_pictures(f'<img alt="A map" src="{address}" width="520">') == drawn
    for address in ("https://example.com/a.jpg", "https://a.example.org/x", "https://host/backend.example/a", "cid:a.example/b"):
        html = f'<img src="{address}" alt=""><a href="https://backend.example/a.jpg">a</a>'
        assert draw_pictures(html) == html


def test_two_pictures_are_drawn_differently() -> None:
    drawn = {draw_pictures(f'<img src="https://backend.example/{number}.jpg">') for number in range(20)}
    assert len(drawn) == 20
