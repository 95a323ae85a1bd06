"""What each check of an issue weighs: one key for each check."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from digest.settings.table import Table

Weight = Literal["ignore", "warning", "error"]


class Checks(Table):
    """How much each check of `digest issues check` weighs: `error` blocks approving and sending, `warning` shows, `ignore` does neither.

    Those marked (online) need the network: they look with `--online`, and before approving and sending where they are errors.
    """

    subject_missing: Weight = Field("error", description="It has no subject.")
    subject_long: Weight = Field("warning", description="Inboxes cut its subject.")
    subject_repeated: Weight = Field("warning", description="Its subject is that of the last issue.")
    preheader_missing: Weight = Field("warning", description="Inboxes have nothing fit to show beside the subject.")
    placeholders: Weight = Field("error", description="Subject or template hold `{{`, `[[`, lorem ipsum or TODO.")
    article_placeholders: Weight = Field("warning", description="An article's title or summary holds one of these.")
    links_broken: Weight = Field("error", description="A link is no web address.")
    links_private: Weight = Field("warning", description="A link or picture lies where only its publisher gets in.")
    links_unreachable: Weight = Field("warning", description="A link cannot be reached (online).")
    pictures_unreachable: Weight = Field("warning", description="A picture cannot be reached (online).")
    pictures_heavy: Weight = Field("warning", description="A picture has more than a million bytes (online).")
    picture_text_missing: Weight = Field("warning", description="A picture has no alternative text of its own.")
    unsubscribe_link_missing: Weight = Field("error", description="A part has no unsubscribe link.")
    unsubscribe_header_missing: Weight = Field("error", description="The headers of one-click unsubscribe are not there.")
    postal_address_missing: Weight = Field("error", description="A part has no postal address.")
    public_url_insecure: Weight = Field("warning", description="Digest's own pages are not behind https.")
    clipped: Weight = Field("error", description="However it is degraded, it has 100,000 bytes or more.")
    nearly_clipped: Weight = Field("warning", description="It has 90,000 bytes or more.")
    degraded: Weight = Field("warning", description="It was too large: excerpts were cut, or titles only were left.")
    text_differs: Weight = Field(
        "error", description="HTML and text do not hold the same articles, or not the note and the sponsor."
    )
    template_mistaken: Weight = Field(
        "error",
        description="Its template has a tag, an attribute or a value that MJML does not know, or that the compiler spoils.",
    )
    template_doubtful: Weight = Field(
        "warning", description="Its template has something that the compiler leaves out, or that makes a worse mail."
    )
    html_malformed: Weight = Field("error", description="Its HTML is not well formed, as Outlook or as others read it.")
    contrast_low: Weight = Field("warning", description="A text has less contrast than 4.5:1, in light or in dark.")
    client_support: Weight = Field("warning", description="It uses something that large mail programs lack.")
    spam: Weight = Field("warning", description="SpamAssassin, where it is installed, gives it points.")
    articles_repeated: Weight = Field("warning", description="One of its articles stood in the last issue.")
    date_passed: Weight = Field("warning", description="An article announces what has passed.")
