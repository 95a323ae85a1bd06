"""What runs in the child process that parses feeds: standard input in, standard output out, nothing else.

Started by path with `python -I`, so it imports nothing of Digest. Feeds are foreign and feedparser is not built for
hostile ones (a hundred kilobytes cost it hundreds of megabytes, or minutes), hence the limits. They bind a fork that
parses one feed and ends; the process that waits for feeds only passes bytes on.

It is asked by a line of JSON (length, memory, cpu, url, content_type, and `plain` for XML that is no feed, with the most
`elements` and the `deepest` that it may have) and the bytes, and answers with a line (length, signal) and what the fork wrote: {"entries": [...], "language": ..., "link": ...,
"trouble": ...}, entries with the keys of articles.json and the whole `content`; for plain XML {"elements": [[depth, name,
attributes, text], ...]}; or {"refused": "..."} when there is nothing to read, {"broken": "..."} when the parser failed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import sys
from datetime import datetime
from html import escape
from typing import Any

OUTPUT_LIMIT = 128 * 1024 * 1024
TEXT_LIMIT = 10_000

_PROLOGUE = re.compile(r"\ufeff?(?:\s+|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE\s+([\w:.-]+)([^>\[]*)(\[)?", re.IGNORECASE)
# feedparser's remarks on HTTP headers and declared encodings; the text was read all the same.
_REMARKS = {"CharacterEncodingOverride", "NonXMLContentType"}


def limit(memory: int, cpu: int) -> None:
    """Bounds this process: bytes of address space, seconds of processor, and no files."""
    for name, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(name, (value, value))


def refusal(data: bytes) -> str | None:
    """Why `data` must not reach the parser: it declares a document type of its own, or is a web page."""
    start = data[:65536]
    text = start.decode("utf-16" if start[:2] in {b"\xff\xfe", b"\xfe\xff"} else "latin-1", "replace")
    text = text.removeprefix("\u00ef\u00bb\u00bf")
    prologue = _PROLOGUE.match(text)
    doctype = _DOCTYPE.match(text, prologue.end() if prologue else 0)
    if doctype is None:
        return None
    if doctype[1].lower() == "html":
        return "is a web page, not a feed; look in it for the feed's own address"
    if doctype[3]:
        return "declares a document type of its own (DTD); feeds with entity declarations are refused"
    return None


def parse(data: bytes, url: str | None, content_type: str | None) -> dict[str, Any]:
    """The feed in `data` as plain data."""
    import feedparser

    headers = {} if url is None else {"content-location": url}
    if content_type is not None and "charset" in content_type.lower():
        headers["content-type"] = content_type
    feed = feedparser.parse(io.BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    trouble = _trouble(feed.get("bozo_exception"))
    if not feed.entries and (trouble or not feed.get("version")):
        return {"refused": f"is not a feed that can be read ({trouble or 'neither RSS nor Atom'})"}
    literal = str(feed.get("version") or "").startswith("atom")
    language, link = dict.get(feed.feed, "language"), dict.get(feed.feed, "link")
    entries = [_raw(entry, literal) for entry in feed.entries]
    return {"entries": entries, "language": language, "link": link, "trouble": trouble}


class _TooMuch(Exception):
    """More elements than are worth their cost."""


def elements(data: bytes, most: int, deepest: int) -> dict[str, Any]:
    """The elements of an XML document, as they begin: depth, name without its namespace, attributes, text before the first child.

    It is refused at the first element that is one too many, or lies too deep.
    """
    from xml.parsers import expat

    found: list[list[Any]] = []
    depth = 0
    open_at: list[int] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if len(found) == most:
            raise _TooMuch(f"has more than {most:,} elements, and is not read")
        if depth == deepest:
            raise _TooMuch(f"has elements nested more than {deepest:,} deep, and is not read")
        found.append([depth, name.rpartition(":")[2], attributes, ""])
        open_at.append(len(found) - 1)
        depth += 1

    def end(_: str) -> None:
        nonlocal depth
        open_at.pop()
        depth -= 1

    def text(data: str) -> None:
        if open_at and open_at[-1] == len(found) - 1 and len(found[-1][3]) < TEXT_LIMIT:
            found[-1][3] += data

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type (DTD), which is refused")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    try:
        parser.Parse(data, True)
    except _TooMuch as error:
        return {"refused": str(error)}
    except (expat.ExpatError, ValueError, LookupError) as error:
        return {"refused": f"is not XML that can be read ({error})"}
    return {"elements": found}


def _trouble(exception: Any) -> str | None:
    if exception is None or type(exception).__name__ in _REMARKS:
        return None
    line = getattr(exception, "getLineNumber", lambda: None)()
    message = getattr(exception, "getMessage", lambda: str(exception))()
    return f"line {line}: {message}" if line else str(message)


def _raw(entry: Any, literal: bool) -> dict[str, Any]:
    """One entry with the keys of articles.json. `literal` says that text which calls itself plain is plain."""
    found: dict[str, Any] = {
        "id": dict.get(entry, "id"),
        "url": dict.get(entry, "link"),
        "title": _text(dict.get(entry, "title_detail"), literal),
        "summary": _text(_body(entry), literal),
        "content": _content(entry),
        "tags": _tags(entry),
        "published_at": _time(entry, "published") or _time(entry, "updated"),
        "updated_at": _time(entry, "updated"),
        "author": _author(entry),
        "image": _image(entry),
        "language": dict.get(dict.get(entry, "title_detail") or {}, "language"),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def _body(entry: Any) -> Any:
    detail = dict.get(entry, "summary_detail")
    if detail and dict.get(detail, "value"):
        return detail
    contents = dict.get(entry, "content") or [None]
    return contents[0]


def _content(entry: Any) -> str | None:
    """The longest body there is, which may be the whole article, when it is HTML or may be."""
    bodies = [dict.get(entry, "summary_detail"), *(dict.get(entry, "content") or ())]
    texts = [str(dict.get(body, "value") or "") for body in bodies if body and dict.get(body, "type") != "text/plain"]
    return max(texts, key=len, default=None)


def _text(detail: Any, literal: bool) -> str | None:
    if not detail:
        return None
    value = str(dict.get(detail, "value") or "")
    return escape(value) if literal and dict.get(detail, "type") == "text/plain" else value


def _tags(entry: Any) -> list[str]:
    return [name for tag in dict.get(entry, "tags") or () if (name := dict.get(tag, "label") or dict.get(tag, "term"))]


def _time(entry: Any, name: str) -> str | None:
    text, parsed = dict.get(entry, name), dict.get(entry, f"{name}_parsed")
    if parsed is None:
        return text
    with contextlib.suppress(ValueError, TypeError):
        if datetime.fromisoformat(str(text).strip()).tzinfo is None:  # a time without a zone is the newsletter's, not UTC
            return str(text)
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*parsed[:6])


def _author(entry: Any) -> str | None:
    """The author's name, without the address that RSS and feedparser write beside it; an address alone is nobody's name."""
    author = str(dict.get(entry, "author") or "")
    name, addresses = re.subn(r"[<(]?[^\s<(]+@[^\s>)]+[>)]?", "", author[:500])
    return name.strip(" ()<>,") or None if addresses else author


def _image(entry: Any) -> str | None:
    for media in dict.get(entry, "media_content") or ():
        if media.get("url") and (media.get("medium") == "image" or str(media.get("type", "")).startswith("image/")):
            return str(media["url"])
    for link in dict.get(entry, "links") or ():
        if link.get("rel") == "enclosure" and str(link.get("type", "")).startswith("image/") and link.get("href"):
            return str(link["href"])
    thumbnails = dict.get(entry, "media_thumbnail") or ()
    return str(thumbnails[0]["url"]) if thumbnails and thumbnails[0].get("url") else None


def fork(asked: dict[str, Any], data: bytes) -> tuple[int, bytes]:
    """What a process of its own makes of a feed: the signal that ended it, or 0, and what it wrote."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "wb") as output:
            output.write(answer(asked, data))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        written = stream.read(OUTPUT_LIMIT + 1)
    return os.WTERMSIG(os.waitpid(child, 0)[1]), written


def answer(asked: dict[str, Any], data: bytes) -> bytes:
    """What the fork writes, under its limits."""
    limit(asked["memory"], asked["cpu"])
    try:
        reason = None if asked["plain"] else refusal(data)
        if reason is not None:
            result: dict[str, Any] = {"refused": reason}
        else:
            result = _parsed(asked, data)
        return json.dumps(result, ensure_ascii=False).encode("utf-8", "replace")
    except MemoryError:
        return b'{"broken": "MemoryError"}'
    except Exception as error:
        return json.dumps({"broken": " ".join(f"{type(error).__name__}: {error}".split())[:200]}).encode()


def _parsed(asked: dict[str, Any], data: bytes) -> dict[str, Any]:
    if asked["plain"]:
        return elements(data, asked["elements"], asked["deepest"])
    return parse(data, asked["url"], asked["content_type"])


def main() -> None:
    """One feed after the other, until nobody asks any more."""
    import feedparser  # noqa: F401 - loaded once, for every fork

    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        signal, written = fork(asked, sys.stdin.buffer.read(asked["length"]))
        if len(written) > OUTPUT_LIMIT:
            signal, written = 0, b'{"broken": "its entries are too large"}'
        sys.stdout.buffer.write(json.dumps({"length": len(written), "signal": signal}).encode() + b"\n" + written)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
