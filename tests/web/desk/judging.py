"""Judging a page of the desk as it stands in a browser: for eyes, for fingers, for whoever reads it aloud, and for a slow line."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.rendering.judges import AXE
from tests.rendering.looking import FAINT

MOST_BYTES = 100_000
"""A first view has to be smaller: the page, its style sheet and its script."""

# Everything that axe knows, and of WCAG 2.2 what it leaves off by itself.
VIOLATIONS = """async () => (await axe.run(document, {rules: {'target-size': {enabled: true}}})).violations
  .map(found => [found.id, found.impact, found.nodes.map(node => node.html.slice(0, 200))])"""
SHIFTED = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; })
    .observe({type: 'layout-shift', buffered: true});
  requestAnimationFrame(() => setTimeout(() => done(sum), 60));
})"""
BYTES = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .filter(one => one.initiatorType !== 'iframe').reduce((sum, one) => sum + one.decodedBodySize, 0)"""
# What stands out of the window at its right, but for what scrolls within a box of its own.
WIDE = """() => document.documentElement.scrollWidth > document.documentElement.clientWidth
  ? [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
      && !one.closest('.scroll, .frame')).slice(0, 5).map(one => one.outerHTML.slice(0, 120)) || ['?'] : []"""


def faults_of_loading(page: Page) -> list[object]:
    """What was wrong with how a page came: things that moved, and its weight."""
    shifted, weight = page.evaluate(SHIFTED), page.evaluate(BYTES)
    faults: list[object] = [("moves while it loads", shifted)] if shifted > 0 else []
    return faults + ([("heavy", weight)] if weight >= MOST_BYTES else [])


def faults_of_looks(page: Page) -> list[object]:
    """What is wrong with how it looks, in this width and these colours."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    wide = page.evaluate(WIDE)
    return [
        *page.evaluate(VIOLATIONS),
        *(("faint", *one) for one in page.evaluate(FAINT)),
        *([("wider than the window", wide)] if wide else []),
    ]
