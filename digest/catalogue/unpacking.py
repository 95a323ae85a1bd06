"""Unpacking: a body as it comes, bounded before and after decompression, so that a bomb is never whole in memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx2

from digest.catalogue.plain_text import one_line, shorten
from digest.errors import Unreachable


def unpacked(response: httpx2.Response, size: int) -> bytes:
    """The body of `response`, decompressed. Raises `Unreachable` when either is larger than `size`, as soon as it is."""
    return b"".join(_bounded(_decoded(response, size), size))


def _decoded(response: httpx2.Response, size: int) -> Iterator[bytes]:
    """The body as it comes, decompressed in pieces; the raw bytes are bounded here."""
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > size:
        raise Unreachable(_too_large(size))
    raw = _bounded(response.iter_raw(), size)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return raw
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _inflated(raw, encoding)
    raise Unreachable(f"is encoded as '{shorten(one_line(encoding), 40)}', which was not asked for")


def _inflated(raw: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """`raw` decompressed, never more than 64 KB at a time, however small the input."""
    inflater = None
    for chunk in raw:
        pending = chunk
        while pending:
            if inflater is None or inflater.eof:
                inflater = zlib.decompressobj(_window(pending, encoding))
            yield inflater.decompress(pending, 65536)
            pending = inflater.unconsumed_tail or (inflater.unused_data if inflater.eof else b"")
        while inflater is not None and not inflater.eof and (rest := inflater.decompress(b"", 65536)):
            yield rest
    if inflater is None or not inflater.eof:
        raise Unreachable("ended in the middle of its compressed content")


def _window(start: bytes, encoding: str) -> int:
    """zlib's window bits: gzip, zlib, or, where a server takes "deflate" at its word, the bare stream."""
    if encoding != "deflate":
        return zlib.MAX_WBITS | 16
    return zlib.MAX_WBITS if start[0] & 0x0F == 8 and start[0] >> 4 <= 7 else -zlib.MAX_WBITS


def _bounded(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        if seen > size:
            raise Unreachable(_too_large(size))
        yield chunk


def _too_large(size: int) -> str:
    return f"is larger than {size / 1024 / 1024:g} MB"
