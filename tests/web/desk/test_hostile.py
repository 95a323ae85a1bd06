"""Hostile articles do nothing at the desk: not in its pages, not in the preview; and a preview that held a script would run none."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from digest.app.edge_cases import CASES
from tests.journeys.project import MONDAY, Project, article
from tests.rendering.looking import needs_browser
from tests.web.conftest import pages_of
from tests.web.desk.browsing import served, sign_in, visiting
from tests.web.desk.conftest import EDDY, EVERYBODY, come_in
from tests.web.desk.issue import AT, Draft

pytestmark = pytest.mark.sqlite

HOSTILE = {
    "script": "<script>top.pwned=1;alert(1)</script>",
    "closing": "</title></textarea></script></style><script>top.pwned=1</script>",
    "style": "<style>*{display:none!important}</style>",
    "frame": "<iframe src='https://evil.example/'></iframe>",
    "form": "<form action='https://evil.example/'><button>Approve</button></form>",
    "refresh": "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "handler": "\"><img src=x onerror='top.pwned=1' style='position:fixed;inset:0'>",
    "svg": "<svg onload='top.pwned=1'><script>top.pwned=1</script></svg>",
    "template": "{{ 7*7 }}{% for x in range(9) %}x{% endfor %}{{ cycler.__init__ }}",
    "placeholder": "{{ unsubscribe_url }} &lt;script&gt;top.pwned=1&lt;/script&gt;",
    "marks": "]]> --> <!-- <mj-raw><script>top.pwned=1</script></mj-raw>",
    "mirrored": "\u202e\u2066<base href='https://evil.example/'>",
}


LOOKS: tuple[dict[str, str], ...] = (
    {},
    {"mode": "dark"},
    {"mode": "inverted"},
    {"pictures": "off"},
    {"part": "inbox"},
    {"part": "inbox", "case": "rtl"},
    *({"case": case} for case in CASES),
)


class Elements(HTMLParser):
    """What a browser would make of a page that may matter."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Each element."""
        self.found.append((tag, dict(attrs)))

    def named(self, *names: str) -> list[dict[str, str | None]]:
        """The attributes of those with these names."""
        return [attributes for tag, attributes in self.found if tag in names]


@pytest.fixture
def draft(project: Project) -> Iterator[Draft]:
    """An issue whose every article, and every word of its editor, is hostile."""
    project.configure('approval = "automatic"', 'approval = "required"')
    project.offer(
        *(article(f"h{key}", title=f"{key} {text}", summary=text, author=text, image_alt=text) for key, text in HOSTILE.items())
    )
    for command in (("articles", "fetch"), ("issues", "draft", "weekly")):
        assert project.command(*command, "--now", MONDAY.isoformat()).returncode in (0, 1)
    with pages_of(project, **EVERYBODY) as pages:
        draft = Draft(pages, come_in(pages, EDDY))
        worst = " ".join(HOSTILE.values())[:290]
        draft.change("note", note=worst)
        draft.change("subject", subject=worst, preheader=worst)
        draft.change("sponsor", title=worst, url='https://a.example/"><script>top.pwned=1</script>', text=worst)
        draft.change(f"rewrite {draft.content.articles[0].id}", title=worst, summary=worst)
        draft.change("pin 1", 1, note=worst)
        yield draft


def test_no_element_of_theirs_comes_into_a_page_or_a_preview(draft: Draft) -> None:
    first = draft.content.articles[0].id
    hostile = 'https://a.example/"><script>top.pwned=1</script>'
    assert draft.change(f"picture {first}", image=hostile, image_alt=" ".join(HOSTILE.values())[:290]).status_code == 303
    stale = draft.change("note", 1, note=" ".join(HOSTILE.values()))
    assert stale.status_code == 409
    ours = ["/editor/articles", *(f"/editor/articles/{one.id}" for one in draft.content.articles)]
    ours.append(f"/editor/articles?q={quote(HOSTILE['handler'])}&source={quote(HOSTILE['script'])}")
    ours.append(f"/editor/deliveries?issue={quote(HOSTILE['closing'])}")
    pages = (AT, f"{AT}?find=script", f"{AT}?words={first}", f"{AT}?part=inbox&case=rtl", f"{AT}/audience", "/editor")
    for html in (stale.text, *(draft.browser.get(path).text for path in (*pages, *ours))):
        seen = Elements(html)
        assert all(one.get("role") == "img" for one in seen.named("svg"))  # a chart of ours
        assert all((one.get("src") or "").startswith(("/static/desk-", "/static/progress-")) for one in seen.named("script"))
        assert [one.get("sandbox") for one in seen.named("iframe")] in ([], [""])
        assert seen.named("style", "base", "object", "embed", "img") == []
        assert all((one.get("action") or "").startswith("/editor") for one in seen.named("form"))
        assert all("http-equiv" not in one for one in seen.named("meta"))
    for html in (draft.page(), *(draft.preview(**look) for look in LOOKS)):
        seen = Elements(html)
        assert not any(name.startswith("on") for _, attributes in seen.found for name in attributes)
        assert not any(
            (one.get("href") or "").lower().startswith(("javascript:", "data:", "https://evil")) for _, one in seen.found
        )
    forbidden = ("script", "iframe", "form", "svg", "base", "object", "embed", "button")
    assert all(Elements(draft.preview(**look)).named(*forbidden) == [] for look in LOOKS)
    for part in ("text", "source", "headers"):
        plain = draft.browser.client.get(f"{AT}/preview?part={part}").headers
        assert (plain["content-type"], plain["x-content-type-options"]) == ("text/plain; charset=utf-8", "nosniff")
    assert "49" not in draft.content.own_subject
    assert "{{ 7*7 }}" in draft.preview(part="text")


def test_the_answer_itself_is_shut_in(draft: Draft) -> None:
    headers = draft.browser.get(f"{AT}/preview").headers
    policy = dict(part.partition(" ")[::2] for part in headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["sandbox"], policy["frame-ancestors"]) == ("'none'", "", "'self'")
    assert "script-src" not in policy
    assert headers["cache-control"] == "no-store"
    assert draft.browser.client.get(f"{AT}/preview?pictures=off").headers["content-security-policy"].count("img-src 'none'") == 1
    page = draft.browser.get(AT).headers["content-security-policy"]
    assert "script-src 'self'" in page
    assert "unsafe" not in page


SHOWN = (
    {"mode": "dark"},
    {"mode": "inverted", "case": "thirty"},
    {"part": "text", "case": "one"},
    {"part": "source"},
    {"part": "headers"},
    {"part": "inbox"},
    {"pictures": "off", "case": "rtl"},
    {"find": "script"},
)


@pytest.mark.browser
@needs_browser
def test_in_a_browser_nothing_of_them_runs_leaves_or_covers(draft: Draft, chromium: Browser) -> None:
    with served(draft.pages) as at, visiting(chromium, at) as (page, complaints):
        sign_in(page, at, draft.pages, EDDY)
        for look in ("", *(f"?{'&'.join(f'{name}={value}' for name, value in look.items())}" for look in SHOWN)):
            page.goto(f"{at}{AT}{look}")
            page.wait_for_load_state("networkidle")
            assert page.url == f"{at}{AT}{look}"
            assert page.evaluate("window.pwned") is None
            assert len(page.frames) == 2
            assert page.get_by_role("button", name="Save the note").count() == 1
            assert page.evaluate("document.elementFromPoint(30, 20).closest('header') !== null")
        assert complaints == []


@pytest.mark.browser
@needs_browser
def test_a_script_that_stood_in_a_preview_would_not_run(draft: Draft, chromium: Browser) -> None:
    """As if every guard before had failed: by the frame alone, and by the answer's own policy alone."""
    held = "<script>document.title='ran';top.pwned=1</script><p id=x>there</p><form action='/editor/sign-out' method=post></form>"
    with served(draft.pages) as at, visiting(chromium, at) as (page, _):
        sign_in(page, at, draft.pages, EDDY)
        policy = draft.browser.get(f"{AT}/preview").headers["content-security-policy"]
        sent: dict[str, str] = {}
        page.context.route("**/preview*", lambda route: route.fulfill(body=held, content_type="text/html", headers=sent))
        for headers in ({}, {"Content-Security-Policy": policy}):
            sent = headers
            page.goto(f"{at}{AT}")
            frame = page.frames[1]
            frame.wait_for_selector("#x")
            assert (page.evaluate("window.pwned"), frame.title()) == (None, "")
            assert frame.evaluate("self.origin") == "null"
        page.goto(f"{at}{AT}/preview")
        assert page.title() == ""
