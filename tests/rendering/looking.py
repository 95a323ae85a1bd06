"""A browser to look at mails with, and what is asked of a page in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
# CI must have it: there a missing browser is a failure, not a skip.
needs_browser = pytest.mark.skipif(not CHROMIUM.exists() and os.environ.get("CI") != "true", reason="needs Debian's chromium")
# Nothing may leave this machine, not even the browser's own look-ups.
_ALONE = ("background-networking", "component-update", "sync", "quic", "gpu")

FAINT = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; } return [255, 255, 255]; };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || text === '\\u00a0' || !e.getClientRects().length) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => x - y);
    if ((b + 0.05) / (a + 0.05) < 4.5) faint.push([text.slice(0, 40), (b + 0.05) / (a + 0.05)]);
  }
  return faint;
}"""
"""Texts with less contrast than 4.5:1 with what is behind them."""

SMALL = """() => [...document.querySelectorAll('a')].filter(a => {
  const words = a.textContent.trim(), style = getComputedStyle(a), picture = a.querySelector('img');
  // A link within a sentence is as high as its line.
  if (!a.getClientRects().length || (style.display === 'inline' && words && a.parentElement.textContent.trim() !== words)) return false;
  const box = (style.display === 'inline' && picture ? picture : a).getBoundingClientRect();
  return box.width < 44 || box.height < 44;
}).map(a => [a.href, a.getBoundingClientRect().width, a.getBoundingClientRect().height])"""
"""Links that a finger may miss: less than 44 pixels high or wide."""

HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(h => Number(h.tagName[1]))"
"""The levels of the headings, in order."""


@contextmanager
def a_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--no-first-run", *(f"--disable-{part}" for part in _ALONE)]
        )
        yield browser
        browser.close()


@contextmanager
def a_page(browser: Browser, width: int = 600, mode: str = "light") -> Iterator[Page]:
    """A page that loads nothing from anywhere."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if mode == "dark" else "light", device_scale_factor=1
    )
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    yield page
    context.close()
