"""Reading a mail's HTML: its tree, and what is not well formed about it."""

from __future__ import annotations

import pytest

from digest.checks.page import as_outlook, read_page


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<div><p>a</p>", "<div> is never closed"),
        ("<div><b>a</div>", "<b> is not closed before </div> (after “a”)"),
        ("a</td>", "</td> closes nothing"),
        ('<a href="x">a <span><a href="y">b</a></span></a>', "a link stands within a link (after “a”)"),
        ('<p id="x">a</p><p id="x">b</p>', "the id 'x' is given twice (after “a”)"),
        ('<p class="a" class="b">a</p>', "<p> has the attribute class twice"),
        ("<p><div>a</div></p>", "<div> stands within <p>, which ends there"),
        ("<!--[if mso]><table><tr><td><![endif]-->a", "<td> is never closed, as Outlook reads it"),
        ("<!--[if mso]><b>a", "a conditional comment for Outlook is never ended (mso)"),
        ("<!--[if mso]><![endif]--><![endif]-->", "a conditional comment for Outlook ends that was not begun"),
    ],
)
def test_what_is_not_well_formed_is_told(html: str, fault: str) -> None:
    assert fault in read_page(html).faults


@pytest.mark.parametrize(
    "html",
    [
        "<!doctype html><html><body><p>a<br>b<img src=x></p></body></html>",
        "<!--[if mso | IE]><table><tr><td><![endif]--><div>a</div><!--[if mso | IE]></td></tr></table><![endif]-->",
        "<!--[if !mso]><!--><div><!--<![endif]--><b>a</b><!--[if !mso]><!--></div><!--<![endif]-->",
        "<!--[if mso]><o:AllowPNG/><![endif]-->",
        '<p id="">a</p><p id="">b</p>',
        "<p>a <button><div>b</div></button></p>",
        "<!-- a remark --><p>a</p>",
    ],
)
def test_what_is_well_formed_is_left_alone(html: str) -> None:
    assert read_page(html).faults == ()


def test_outlook_reads_what_is_for_it_and_not_what_is_not() -> None:
    html = "a<!--[if mso | IE]>b<![endif]-->c<!--[if !mso]><!-->d<!--<![endif]-->e"
    assert as_outlook(html) == "abce"


def test_what_is_hidden_is_in_the_page_and_not_seen() -> None:
    page = read_page(
        "<head><title>t</title></head><body><div style='display: none'>a<b>b</b></div><p hidden>c</p><p>d</p></body>"
    )
    assert [text for _, text in page.texts] == ["t", "a", "b", "c", "d"]
    assert list(page.seen) == ["d"]


def test_elements_know_their_text() -> None:
    (link,) = read_page('<p><a href="x">one  <b>two</b>\nthree</a></p>').all("a")
    assert (link.text, link.attributes) == ("one two three", {"href": "x"})
