"""Front matter: the table at the head of a Markdown file, YAML between lines of `---` or TOML between lines of `+++`. Pure."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from digest.catalogue.plain_text import one_line, shorten

LIMIT = 64 * 1024
_FENCE = re.compile(r"\A(---|\+\+\+)[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Document:
    """A file taken apart: the front matter and the body below it."""

    front: dict[str, Any]
    body: str


def take_apart(text: str) -> Document | None:
    """The document in `text`; None when it has no front matter. Raises `ValueError` with one line when that is unreadable."""
    text = text.removeprefix("\ufeff")
    fence = _FENCE.match(text)
    if fence is None:
        return None
    mark = re.escape(fence[1]) if fence[1] == "+++" else r"(?:---|\.\.\.)"
    end = re.compile(rf"^{mark}[ \t]*(?:\r?\n|\Z)", re.MULTILINE).search(text, fence.end())
    if end is None:
        raise ValueError(f"its front matter is not ended by a line of {fence[1]}")
    head = text[fence.end() : end.start()]
    if len(head) > LIMIT:
        raise ValueError(f"its front matter is longer than {LIMIT // 1024} KB")
    front = _toml(head) if fence[1] == "+++" else _yaml(head)
    return Document(front, text[end.end() :])


def _toml(head: str) -> dict[str, Any]:
    try:
        return tomllib.loads(head.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:  # a number of too many digits is no TOMLDecodeError
        raise ValueError(f"its front matter is not TOML ({_said(error)})") from None


def _yaml(head: str) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Plain data only. An alias may stand for a thousand others (billion laughs), and no front matter needs one."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("it uses an alias, such as *name; write the value out")
            return super().compose_node(parent, index)

    try:
        front = yaml.load(head, Loader)  # noqa: S506 - a safe loader, and stricter
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"its front matter is not YAML ({_said(error)})") from None
    if front is None:
        return {}
    if not isinstance(front, dict):
        raise ValueError("its front matter is no table of keys and values")
    return {str(key): value for key, value in front.items()}


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if "integer string conversion" in str(error):
        return "it holds a number of thousands of digits"
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    # The head begins in the file's second line; marks count from 0.
    return shorten(one_line(f"line {mark.line + 2}: {problem}" if mark is not None else problem), 200)
