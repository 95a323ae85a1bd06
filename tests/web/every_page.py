"""Every page in every state that somebody may see it in, as HTML by name."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import update

from digest.app.carrying import send_letters
from digest.audience.tokens import Purpose, make_expiring_token
from digest.store import tables
from tests.journeys.project import MONDAY, Project, article
from tests.web.conftest import Pages
from tests.web.test_subscribing import ask, confirm_link, solve

ANN, BOB, EVE = "ann@x.example", "bob@x.example", "eve@new.example"


def prepare(project: Project) -> None:
    """A newsletter with everything that a page may show: frequencies, a welcome, a second newsletter, an issue that went out."""
    project.configure('schedule = "0 9 * * 1"', 'schedule = { weekly = "0 9 * * 1", daily = "0 7 * * *" }')
    project.configure('welcome = "none"', 'welcome = "latest"')
    project.configure(
        "[delivery]",
        '[[newsletters]]\nslug = "releases"\ntitle = "Releases, whenever there are some"\nschedule = "0 9 1 * *"\n'
        'topics = { all = { title = "Everything", tags = ["releases"] } }\n\n[delivery]',
    )
    project.offer(article("a"), article("b", tags=("databases",)))
    project.run(MONDAY)


def every_page(pages: Pages) -> dict[str, str]:
    """All of them. The project was prepared, and `/subscribe/frame` may be framed."""
    pages.times.append(MONDAY + timedelta(days=1))
    return _signing_up(pages) | _leaving(pages) | _preferring(pages) | _reading(pages)


def _signing_up(pages: Pages) -> dict[str, str]:
    get, post, form = pages.client.get, pages.client.post, {"newsletter": "weekly", "email": EVE, "topic": "python"}
    found = {"subscribe": get("/subscribe").text, "subscribe-embed": get("/subscribe/embed").text}
    found["subscribe-frame"] = get("/subscribe/frame").text
    found["subscribe-wrong"] = post("/subscribe", data=form | {"email": "eve"}).text
    found["subscribe-again"] = post("/subscribe", data=form).text
    challenge = re.findall(r'name="challenge" value="([^"]+)"', found["subscribe-frame"])[0]
    found["subscribe-wait"] = post("/subscribe", data=form | {"challenge": challenge}).text
    found["frame-asked"] = post("/subscribe/frame", data=form | {"challenge": challenge, "proof": solve(challenge)}).text
    link = confirm_link(pages)
    found["confirm"] = get(link).text
    found["confirm-welcomed"] = post(link).text
    found["confirm-done"] = get(link).text
    post(f"/unsubscribe/{pages.token(EVE)}")
    found["confirm-left"] = get(link).text
    found["over"] = get("/confirm/x").text
    found["asked"] = ask(pages, "a-person-with-a-rather-long-name@a-rather-long-domain-name.example").text
    return found


def _leaving(pages: Pages) -> dict[str, str]:
    path = f"/unsubscribe/{pages.token(BOB)}"
    get, post = pages.client.get, pages.client.post
    found = {"unsubscribe": get(path).text, "unsubscribe-topic": get(f"{path}/python").text}
    found["unsubscribe-unknown"] = get("/unsubscribe/x").text
    found["unsubscribe-one-left"] = post(path, data={"what": "topic python"}).text
    found["unsubscribe-left"] = post(path, data={"what": "newsletter"}).text
    found["unsubscribe-open-left"] = get(path).text
    found["preferences-left"] = get(f"/preferences/{pages.token(BOB, Purpose.PREFERENCES)}").text
    found["unsubscribe-undone"] = post(path, data={"what": "undo"}).text
    return found


def _preferring(pages: Pages) -> dict[str, str]:
    path = f"/preferences/{pages.token(ANN, Purpose.PREFERENCES)}"
    get, post = pages.client.get, pages.client.post
    found = {"preferences": get(path).text, "preferences-not": post(path, data={"what": "save"}).text}
    found["preferences-saved"] = post(path, data={"what": "save", "topic": ["python", "career"], "timezone": "Asia/Tokyo"}).text
    found["preferences-paused"] = post(path, data={"what": "pause", "until": "2026-12-24"}).text
    for what, email in (("move", "anna@new.example"), ("download", ""), ("erase", "")):
        found[f"preferences-{what}"] = post(path, data={"what": what, "email": email}).text
    send_letters(pages.app_now())
    mails = pages.project.mails(ANN)
    move, download, erase = (
        next(filter(None, (_link(pages, mail, page) for mail in mails))) for page in ("move", "download", "erase")
    )
    later = pages.times[-1] + timedelta(days=1)
    stay = f"/stay/{make_expiring_token(pages.app.key, Purpose.STAY, pages.subscription(ANN).id, later)}"
    found |= {"stay": get(stay).text, "stay-yes": post(stay).text}
    found |= {"move": get(move).text, "move-waiting": post(move).text, "download": get(download).text, "erase": get(erase).text}
    with pages.app.store.writing() as connection:
        connection.execute(update(tables.delivery).values(state="sending"))
    found["erase-later"] = post(erase).text
    with pages.app.store.writing() as connection:
        connection.execute(update(tables.delivery).values(state="accepted"))
    (other,) = pages.project.mails("anna@new.example")
    found["move-done"] = post(pages.link_in(other, "move")).text
    found["erase-done"] = post(erase).text
    return found


def _link(pages: Pages, mail: object, page: str) -> str | None:
    found = re.findall(rf"https://news\.backend\.example(/{page}/\S+)", mail.get_body(("plain",)).get_content())  # type: ignore[attr-defined]  # an EmailMessage
    return str(found[0]) if found else None


def _reading(pages: Pages) -> dict[str, str]:
    get = pages.client.get
    found = {"archive": get("/archive").text, "issues": get("/archive/weekly").text, "issues-none": get("/archive/releases").text}
    found["error-404"] = get("/nothing").text
    found["error-400"] = pages.client.post("/subscribe", content=b"x", headers={"Content-Type": "multipart/form-data"}).text
    return found
