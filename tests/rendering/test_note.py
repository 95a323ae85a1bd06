from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.rendering.content import NoteContent
from digest.rendering.note import read_note

from .sample import texts


def test_markdown_becomes_what_a_mail_may_carry_and_text_that_says_the_same() -> None:
    note = read_note(
        NoteContent("Hello *you*, **look**:\n[here](https://a.example/x?a=1&b=2) or <https://b.example>.\n\n- one\n- two\n\nEnd.")
    )
    assert '<a href="https://a.example/x?a=1&amp;b=2">here</a>' in note.html
    assert "<em>you</em>, <strong>look</strong>" in note.html
    assert "<ul>\n<li>one</li>" in note.html
    assert note.text == "Hello you, look: here (https://a.example/x?a=1&b=2) or\nhttps://b.example.\n\n- one\n- two\n\nEnd."


def test_numbered_and_nested_lists_and_quotes_are_text_too() -> None:
    assert (
        read_note(NoteContent("3. three\n4. four\n   - inner\n\n> said\n\nx")).text
        == "3. three\n4. four\n  - inner\n\n  said\n\nx"
    )


def test_headings_pictures_html_and_other_addresses_are_not_taken_for_such() -> None:
    note = read_note(
        NoteContent("# Big\n\n<b onclick=x>b</b> ![p](https://a.example/p.png) [x](javascript:alert(1)) [y](data:text/html,x)")
    )
    assert "<h1" not in note.html
    assert "<b" not in note.html
    assert "<img" not in note.html
    assert 'href="javascript' not in note.html
    assert 'href="data' not in note.html


def test_a_link_that_leads_nowhere_from_a_mail_stays_as_it_was_written_in_both_parts() -> None:
    note = read_note(NoteContent("[about](/about), [this](#this), [it](about.html)"))
    assert "<a" not in note.html
    assert note.text == "[about](/about), [this](#this), [it](about.html)"


def test_a_mail_address_stands_in_the_text_too() -> None:
    note = read_note(NoteContent("[Write](mailto:ed@x.example) to <mailto:us@x.example>, or <me@x.example>."))
    assert '<a href="mailto:ed@x.example">Write</a>' in note.html
    assert note.text == "Write (ed@x.example) to mailto:us@x.example, or me@x.example."


def test_control_characters_reach_neither_part() -> None:
    note = read_note(NoteContent("a\x08b\x0bc\u2028d\ud800\n\n- e\x85f\n- g"))
    assert note.html == "<p>a b c d\ufffd</p>\n<ul>\n<li>e f</li>\n<li>g</li>\n</ul>"
    assert note.text == "a b c d\ufffd\n\n- e f\n- g"


def test_long_lines_are_wrapped_under_their_mark_and_japanese_where_it_may_be_broken() -> None:
    text = read_note(NoteContent(f"- {'word ' * 30}\n\n{'日本語' * 30}")).text
    assert all(line.startswith(("- word", "  word", "日", "語", "本", "")) for line in text.splitlines())
    assert text.splitlines()[1].startswith("  word")
    assert max(map(len, text.splitlines())) <= 72


@settings(max_examples=200, deadline=None, derandomize=True, print_blob=True)
@given(
    st.lists(
        texts | st.sampled_from(["<script>", "[a](", "](https://x.example)", "**", "> ", "- ", "1. ", "\n\n", "`", "\\"]),
        max_size=8,
    ).map("".join)
)
def test_whatever_is_written_no_script_comes_of_it(markdown: str) -> None:
    html = read_note(NoteContent(markdown)).html
    assert "<script" not in html
    assert "<style" not in html
