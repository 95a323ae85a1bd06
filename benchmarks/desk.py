"""(i) The editor's desk: home, and the preview after a change, with a million subscribers and fifty articles.

On the server: an answer is measured from the request's first byte in the application to the answer's last, without a socket between.
`python -m benchmarks.desk [--short]` measures this part alone.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from benchmarks.measuring import Figure, once
from benchmarks.project import NOW, a_place, by_popularity, opened
from digest.app import App
from digest.app.counting import recount
from digest.editors import sessions
from digest.web.application import make_application
from digest.web.desk.cookies import SECURE

ARTICLES = 50
_EDITOR = "editor@example.com"
_HOST = "https://news.backend.example"
_ISSUE = "/editor/issues/weekly/1"


@dataclass(slots=True)
class Desk:
    """An editor who is signed in."""

    client: TestClient
    revision: int = 1
    token: str = ""

    def get(self, path: str) -> str:
        """A page."""
        answer = self.client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return answer.text

    def change(self) -> None:
        """Write another note: one revision more, which goes through the freeze."""
        form = {"token": self.token, "revision": str(self.revision), "do": "note", "note": f"Revision *{self.revision}*."}
        ours = {"Origin": _HOST, "Sec-Fetch-Site": "same-origin"}
        answer = self.client.post(f"{_ISSUE}/change", data=form, headers=ours)
        if answer.status_code != 303:
            raise RuntimeError(f"a change answered {answer.status_code}")
        self.revision += 1

    def refresh(self) -> None:
        """What one waits for: the change, and the preview that shows it."""
        self.change()
        if f"Revision <em>{self.revision - 1}</em>" not in self.get(f"{_ISSUE}/preview"):
            raise RuntimeError("the preview does not show the change")


def desk(readers: int, runs: int) -> Iterator[Figure]:
    """Home, a change with its preview, and the whole page."""
    with (
        a_place(by_popularity(), readers, articles=ARTICLES) as place,
        opened(place, DIGEST_EDITORS__EMAILS=f'["{_EDITOR}"]') as app,
    ):
        recount(app)  # as a thread of `digest serve` does
        at = _signed_in(app)
        held = len(re.findall(r' data-article="', at.get(_ISSUE)))
        if held != ARTICLES:
            raise RuntimeError(f"the issue holds {held} articles, and not {ARTICLES}")
        whole, beside = readers == 1_000_000, f"{readers:,} subscribers"
        yield _figure(f"desk: home, {beside}", lambda: at.get("/editor"), runs, 200, "desk_home_1e6_ms" if whole else "")
        what = f"desk: a change and its preview, {ARTICLES} articles, {beside}"
        yield _figure(what, at.refresh, runs, 100, "desk_refresh_1e6_ms" if whole else "")
        yield _figure("of it the preview", lambda: at.get(f"{_ISSUE}/preview"), runs)
        yield _figure("the issue's page, beside it", lambda: at.get(_ISSUE), runs)


def _figure(what: str, work: Callable[[], Any], runs: int, bar: int = 0, key: str = "") -> Figure:
    work()
    took, used = [], []
    for _ in range(runs):
        before = time.process_time()
        took.append(once(work) * 1000)
        used.append((time.process_time() - before) * 1000)
    median = statistics.median(took)
    said = f"{median:.0f} ms, at most {max(took):.0f}; {statistics.median(used):.0f} ms of processor"
    return Figure(what, said, bar=f"≤ {bar} ms" if bar else "", keys={key: round(median)} if key else {})


def _signed_in(app: App) -> Desk:
    with app.store.writing() as connection:
        secret = sessions.begin(connection, _EDITOR, now=app.now, origin=None, browser="benchmark")
    client = TestClient(make_application(app.settings, app.store, lambda: NOW), base_url=_HOST, follow_redirects=False)
    client.cookies.set(SECURE, secret)
    at = Desk(client)
    at.token = re.findall(r'name="token" value="([^"]+)"', at.get("/editor/sessions"))[0]
    return at


if __name__ == "__main__":
    for figure in desk(1_000 if "--short" in sys.argv[1:] else 1_000_000, 9):
        print(f"{figure.what}: {figure.value} {figure.bar}", flush=True)
