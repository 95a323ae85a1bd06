from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from digest.errors import TemplateError
from digest.rendering.compile import compile_template
from digest.rendering.mail_content import OWN_MAILS, Confirm, Welcome
from digest.rendering.own_mails import render_mail
from digest.rendering.render import render_blocks
from digest.rendering.specimen import MAILS
from digest.rendering.templates import load_template

from .mails import LANGUAGES, own_mail
from .sample import CONTENT, SHIPPED

KINDS = [type(mail).__name__ for mail in MAILS]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_mail_has_a_subject_and_two_parts_that_say_the_same_in_each_language(kind: str, language: str) -> None:
    mail = own_mail(kind, language)
    specimen = next(mail for mail in MAILS if type(mail).__name__ == kind)
    addresses = [value for name in type(specimen).__slots__ if name.endswith("url") for value in [getattr(specimen, name)]]
    assert mail.subject
    assert f'lang="{language}"' in mail.html
    for address in addresses:
        assert f'href="{address}"' in mail.html
        assert f"\n{address}\n" in mail.text
    for part in (mail.html, mail.text):
        assert "1 Example Street" in part
    assert (mail.subject == own_mail(kind, "en").subject) == (language == "en")
    assert all(len(line) <= 72 for line in mail.text.splitlines())


def test_there_is_a_specimen_of_each() -> None:
    assert {type(mail) for mail in MAILS} == set(OWN_MAILS.values())


def test_texts_from_outside_are_harmless() -> None:
    bad = Confirm("<b>News</b>\r\nBcc: x@y.example", ("<i>t</i>",), "a@b.example", "javascript:alert(1)")
    mail = render_mail(bad, language="en", site=CONTENT.site, theme=None, folders=[SHIPPED])
    assert mail.subject == "Please confirm: <b>News</b> Bcc: x@y.example"
    assert "<b>News" not in mail.html
    assert "<i>t" not in mail.html
    assert "javascript" not in mail.html + mail.text


def test_what_is_not_known_is_left_out() -> None:
    welcome = next(mail for mail in MAILS if isinstance(mail, Welcome))
    mail = render_mail(replace(welcome, next_on=None, topics=()), language="en", site=CONTENT.site, theme=None, folders=[SHIPPED])
    assert "The next issue" not in mail.html + mail.text
    assert "It will bring you" not in mail.html + mail.text


def own(tmp_path: Path, old: str, new: str) -> str:
    text = (SHIPPED / "confirm.mjml").read_text("utf-8")
    assert old in text
    (tmp_path / "confirm.mjml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(TemplateError) as raised:
        compile_template(load_template("confirm", [tmp_path, SHIPPED]))
    return str(raised.value)


def test_a_project_s_own_mail_is_checked_like_any_template(tmp_path: Path) -> None:
    assert "confirm.mjml, line 13: `mail` has no `uri`; it has newsletter, topics, email, url" in own(
        tmp_path, "mail.topics", "mail.uri"
    )
    assert "`newsletter` is not known in the mail" in own(tmp_path, "{{ mail.url }}", "{{ newsletter.title }}")
    assert "it has no articles, and so no blocks" in own(
        tmp_path, "<mj-raw>{% if mail.topics %}</mj-raw>", "<mj-raw>{% block card %}{% endblock %}{% if mail.topics %}</mj-raw>"
    )


def test_a_newsletter_cannot_be_sent_by_the_template_of_a_mail() -> None:
    with pytest.raises(TemplateError, match=r"confirm\.mjml is a mail of Digest's own: name a newsletter's template"):
        render_blocks(load_template("confirm", [SHIPPED]), CONTENT)
