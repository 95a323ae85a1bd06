"""A real browser at the desk, which is served on loopback as one tries it out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page

from tests.web.conftest import Pages
from tests.web.desk.conftest import link_for


@contextmanager
def served(pages: Pages) -> Iterator[str]:
    """The pages on a port of this machine; gives the address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    application: Any = pages.client.app
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


@contextmanager
def visiting(chromium: Browser, at: str, **context: Any) -> Iterator[tuple[Page, list[str]]]:
    """A window, and what it complains of; nothing but the desk can be reached, and what is asked for besides is told."""
    made = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | context))
    page, complaints = made.new_page(), list[str]()
    made.route("**/*", lambda route: route.continue_() if route.request.url.startswith(at) else route.abort())
    made.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.on("request", lambda asked: None if asked.url.startswith((at, "data:")) else complaints.append(f"asked for {asked.url}"))
    yield page, complaints
    made.close()


def sign_in(page: Page, at: str, pages: Pages, email: str) -> None:
    """By the link and its button, with the keyboard."""
    page.goto(at + link_for(pages, email))
    page.get_by_role("button", name="Come in").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{at}/editor")
