"""One `[[sources]]` table: the keys of all kinds, and which kind takes which."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from digest.settings.succession import Succeeded
from digest.settings.types import BaseAddress, FilePath, Line, Slug, Tag, WebAddress, Whole

# What each kind of ours is read from, and which keys it has beside those that all share. Plugins take what they like.
_PLACES = {
    "json": ("path", "url"),
    "feed": ("path", "url"),
    "markdown": ("path",),
    "wordpress": ("url",),
    "ghost": ("url",),
    "sitemap": ("url",),
}
_OWN = {
    "markdown": ("base_url", "permalink"),
    "wordpress": ("limit",),
    "ghost": ("limit", "api_key"),
    "sitemap": ("limit", "under"),
}
_NEEDED = {"markdown": "base_url", "ghost": "api_key"}
_WHY = {
    "base_url": "the address that the permalinks of its articles begin with",
    "api_key": "the Content API key of a custom integration: set DIGEST_SOURCES__N__API_KEY, N being its place counted from 0",
}
_OTHERWISE = {"markdown": ', or `kind = "feed"` for the feed of that site'}
PERMALINK_WORDS = ("folder", "slug", "file", "category", "year", "month", "day")


def _permalink(value: str) -> str:
    words = re.findall(r"\{([^{}]*)\}", value)
    if not set(words) <= set(PERMALINK_WORDS) or re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", value)):
        known = ", ".join(f"{{{word}}}" for word in PERMALINK_WORDS)
        raise ValueError(f"{value!r} is not a permalink: it is a path in which these may stand: {known}")
    return value


Permalink = Annotated[Line, AfterValidator(_permalink)]


class SourceSettings(Succeeded):
    """One place articles come from. A plugin's kind takes any of these keys."""

    name: Slug = Field(description="Names the source in the catalogue; do not change it later.")
    kind: str = Field(
        description="`json`, `feed`, `markdown`, `wordpress`, `ghost` or `sitemap`, or the name of a plugin of `digest.sources`."
    )
    path: FilePath | None = Field(None, description="A file, for `markdown` a folder, relative to the project folder.")
    url: WebAddress | None = Field(
        None, description="An http(s) address: of the file, feed or sitemap, or of a WordPress or Ghost site."
    )
    seed: Whole = Field(
        20, ge=0, description="How many of its newest articles the first fetch takes in; older ones count as covered."
    )
    tags: tuple[Tag, ...] = Field((), description="Tags given to every article of this source.")
    allow_private: bool = Field(False, description="Whether the address may be private or loopback.")
    base_url: BaseAddress | None = Field(None, description="`markdown`: what the addresses of its articles begin with.")
    permalink: Permalink = Field(
        "{folder}/{slug}/",
        min_length=1,
        description="`markdown`: the path of an article that does not name its own; of {folder}, {slug}, {file}, {category}, {year}, {month}, {day}.",
    )
    limit: Whole = Field(
        50, ge=1, le=1000, description="`wordpress`, `ghost`, `sitemap`: how many articles one fetch takes, the newest."
    )
    under: WebAddress | None = Field(None, description="`sitemap`: only pages whose address begins with this.")
    api_key: SecretStr | None = Field(
        None, description="`ghost`: the Content API key; only by environment, `.env` or a secrets folder."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("a source needs either `path` or `url`, and not both")
        given = "path" if self.url is None else "url"
        places = _PLACES.get(self.kind, (given,))
        if given not in places:
            wanted = "a folder, named by `path`" if places == ("path",) else "an address, named by `url`"
            instead = f"write `{places[0]}` instead of `{given}`"
            raise ValueError(f"a source of kind '{self.kind}' is read from {wanted}: {instead}{_OTHERWISE.get(self.kind, '')}")
        return self

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        if self.kind not in _PLACES:
            return self
        for key in sorted(self.model_fields_set - set(_OWN.get(self.kind, ()))):
            kinds = [kind for kind, own in _OWN.items() if key in own]
            if kinds:
                raise ValueError(f"`{key}` is a key of {' and '.join(kinds)} sources, and this one is '{self.kind}': remove it")
        needed = _NEEDED.get(self.kind) if self.current else None
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"a source of kind '{self.kind}' needs `{needed}`, {_WHY[needed]}")
        return self
