"""Judges from outside: axe-core, of accessibility, html-validate, of HTML, and SpamAssassin.

`make judges` fetches the first two into a cache, once; the third is Debian's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

_PINS = Path(__file__).parents[2] / "requirements" / "judges.txt"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "digest-judges"
MODULES = _CACHE / "node_modules"
AXE = MODULES / "axe-core" / "axe.min.js"
_HTML_VALIDATE = MODULES / "html-validate" / "bin" / "html-validate.mjs"

# What mails must do, and MJML does; each is a matter of style or of age, and none of what a reader meets.
_AS_MAILS_ARE = (
    "no-conditional-comment",  # Outlook reads them
    "no-inline-style",  # mail programs strip style sheets
    "no-deprecated-attr",  # Outlook knows align, bgcolor and cellpadding, and little CSS
    "no-trailing-whitespace",  # where Jinja's tags stood
    "void-style",  # MJML writes <img />
    "doctype-style",  # MJML writes it in small letters
    "prefer-native-element",  # MJML's role="article"
    "long-title",  # the newsletter's, whatever that is
    "prefer-tbody",  # MJML leaves it out of what only Outlook reads
)
_OUTLOOK = re.compile(r"<!--\[if (?!!)[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_OFFICE = re.compile(r"<noscript>\s*<xml>.*?</xml>\s*</noscript>", re.DOTALL)
_NOT_OUTLOOK = re.compile(r"<!--\[if !mso[^\]]*\]><!-->.*?<!--<!\[endif\]-->", re.DOTALL)


def _fetched() -> bool:
    """Whether the versions that are pinned are there."""
    for pin in _PINS.read_text("utf-8").split():
        name, _, version = pin.rpartition("@")
        package = MODULES / name / "package.json"
        if not package.exists() or json.loads(package.read_text("utf-8"))["version"] != version:
            return False
    return shutil.which("node") is not None


# CI must have them: there missing judges are a failure, not a skip.
needs_judges = pytest.mark.skipif(
    not _fetched() and os.environ.get("CI") != "true", reason="needs axe-core and html-validate: `make judges` fetches them"
)

needs_spamassassin = pytest.mark.skipif(
    shutil.which("spamassassin") is None and os.environ.get("CI") != "true", reason="needs Debian's spamassassin"
)


def as_outlook_reads(html: str) -> str:
    """A mail with its conditional comments decided as Outlook for Windows does, Office's settings aside, which are no HTML."""
    return _OFFICE.sub("", _OUTLOOK.sub(r"\1", _NOT_OUTLOOK.sub("", html)))


def html_findings(mails: dict[str, str], folder: Path, allowed: Collection[str] = _AS_MAILS_ARE) -> list[str]:
    """What html-validate has against mails, or pages, each by its name; some rules are not looked at."""
    rules = {"extends": ["html-validate:recommended"], "root": True, "rules": dict.fromkeys(allowed, "off")}
    (folder / ".htmlvalidate.json").write_text(json.dumps(rules), "utf-8")
    for name, html in mails.items():
        (folder / f"{name}.html").write_text(html, "utf-8")
    command = ["node", str(_HTML_VALIDATE), "--formatter", "json", *sorted(f"{name}.html" for name in mails)]
    said = folder / "said.json"  # a pipe would be cut off: node ends before it is read
    with said.open("w") as stream:
        done = subprocess.run(command, cwd=folder, stdout=stream, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stderr
    read: list[dict[str, Any]] = json.loads(said.read_text("utf-8"))
    return [f"{Path(one['filePath']).stem}: {found['ruleId']}: {found['message']}" for one in read for found in one["messages"]]
