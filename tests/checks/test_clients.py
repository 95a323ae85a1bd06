"""The facts about mail programs, and what is found by each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from digest.checks.clients import Feature, client_support, features
from digest.checks.page import read_page
from tests.checks.sound import a_mail

USES = {
    "display: grid": '<p style="display:grid">',
    "display: flex": "<style>p { display : inline-flex }</style>",
    "position": '<p style="position:absolute">',
    "CSS variables": '<p style="color:var(--a)">',
    "background pictures": "<style>p { background: #fff url(https://x.example/p.png) }</style>",
    "object-fit": '<img style="object-fit:cover" src="x.png">',
    "embedded SVG": "<svg></svg>",
    "SVG pictures": '<img src="https://x.example/a.svg?v=1">',
    "WebP pictures": '<img class="x" src="https://x.example/a.webp">',
    "pictures as data: addresses": '<img src="data:image/png;base64,x">',
    "<video>": "<video></video>",
    "<form>": '<form action="x">',
}


def said(html: str) -> list[str]:
    return [fault.what for fault in client_support(replace(a_mail(), html=html, page=read_page(html)))]


@pytest.mark.parametrize("feature", features(), ids=[one.name for one in features()])
def test_each_feature_is_found_where_it_is_used(feature: Feature) -> None:
    (what,) = said(USES[feature.name])
    assert what.startswith(f"it uses {feature.name}, which {feature.lacking[0]}")
    assert what.endswith(f"(measured {feature.measured})")


@pytest.mark.parametrize(
    "html",
    [
        '<p style="background-position:top">',
        '<img src="https://x.example/a.png?from=a.svg">',
        "<p>display: grid</p>",
        "<style>@media (min-width: 600px) { p { display: flex } }</style>",
        "<style>/* p { display: flex } */</style>",
        '<a href="x.webp">x</a>',
    ],
)
def test_what_only_looks_like_one_is_left_alone(html: str) -> None:
    assert said(html) == []


def test_each_fact_names_who_lacks_it_when_that_was_measured_and_what_to_do() -> None:
    for feature in features():
        assert feature.css or feature.html
        assert feature.lacking
        assert date(2019, 1, 1) <= feature.measured <= date(2026, 12, 31)
        assert feature.instead
