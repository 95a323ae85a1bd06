"""Web addresses of articles: which are taken, and when two of them are the same article's.

The canonical address has scheme and host in lower case, no default port, no fragment and no tracking parameters;
every other parameter stays, in its order. A trailing slash is part of the path and stays: `/a` and `/a/` are two
addresses, because servers may tell them apart. Only an empty path becomes `/`.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit, urlunsplit

MAX_LENGTH = 2000

# Parameters that say how a reader came, not what is read; so does every one that begins with utm_.
_TRACKING = re.compile(
    "utm_.*|dclid|epik|fbclid|gad_source|gbraid|gclid|gclsrc|igsh|igshid|li_fat_id|mc_cid|mc_eid|mkt_tok|msclkid|oly_anon_id"
    "|oly_enc_id|rb_clickid|srsltid|ttclid|twclid|vero_id|wbraid|wickedid|yclid|_ga|_gl|_hsenc|_hsmi",
    re.IGNORECASE | re.DOTALL,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# White space, controls and invisible characters have no place in an address; browsers drop some of them silently.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ud800-\udfff]"
)
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?")
_KEPT = "%/:@!$&'()*+,;=~-._?[]"
# Most addresses are of this shape, in which nothing can be wrong and nothing needs to be rewritten.
_ORDINARY = re.compile(
    r"(?=.{1,200}$)https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,20}/[A-Za-z0-9._~/-]*",
)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def web_address(text: str) -> str:
    """`text` as an http(s) address in ASCII; a `ValueError` says why it is none. Its meaning never changes."""
    if _ORDINARY.fullmatch(text):
        return text
    parts = _parts(text.strip(" \t\r\n"))
    host = _host(parts)
    port = "" if parts.port is None else f":{parts.port}"
    path, query, fragment = (quote(part, safe=_KEPT) for part in (parts.path, parts.query, parts.fragment))
    address = urlunsplit((parts.scheme, host + port, path, query, fragment))
    if len(address) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    return address


def canonical_url(url: str) -> str:
    """The one spelling by which an article is known; a `ValueError` says why `url` is no web address."""
    if _ORDINARY.fullmatch(url):
        return url
    parts = urlsplit(web_address(url))
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    host = _bracketed(parts.hostname or "") + port
    query = "&".join(pair for pair in parts.query.split("&") if not _tracks(pair))
    return urlunsplit((parts.scheme, host, _spelt_alike(parts.path) or "/", _spelt_alike(query), ""))


def _parts(text: str) -> SplitResult:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if _UNSEEN.search(text) or "\\" in text:
        raise ValueError("holds white space, invisible or control characters, or a backslash; percent-encode them")
    try:
        parts = urlsplit(text)
        _ = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"is not a web address ({error})") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("must begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("holds a user name or password; leave them out")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host and "%" not in host:
        return _bracketed(str(_version_6(host)))
    if not host.isascii():
        host = _international(host)
    if not _HOST.fullmatch(host):
        raise ValueError("must name a host")
    return host


def _version_6(host: str) -> IPv6Address:
    try:
        return IPv6Address(host)
    except ValueError:
        raise ValueError("must name a host") from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _international(host: str) -> str:
    import httpx2

    try:
        return httpx2.URL(f"http://{host[:253]}/").raw_host.decode("ascii")
    except (httpx2.InvalidURL, UnicodeError):
        raise ValueError("must name a host") from None


def _tracks(pair: str) -> bool:
    return _TRACKING.fullmatch(unquote_plus(pair.partition("=")[0])) is not None


def _spelt_alike(part: str) -> str:
    """Escapes spelt one way: unreserved characters bare, the rest in upper case (RFC 3986, 6.2.2)."""
    return _ESCAPE.sub(_escape, _LONE_PERCENT.sub("%25", part))


def _escape(match: re.Match[str]) -> str:
    value = int(match[1], 16)
    return chr(value) if value in _UNRESERVED else match[0].upper()
