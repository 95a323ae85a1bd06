"""What other tools export, as they export it, and what it comes to here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from digest.audience.consent import Past
from digest.audience.elsewhere.formats import FORMATS
from digest.audience.elsewhere.reading import WORDS_TOLD, How, Understood
from digest.audience.elsewhere.standing import Standing
from digest.audience.elsewhere.tags import read_mapping
from digest.audience.rows import open_rows
from digest.audience.suppression import Shut
from digest.audience.text_file import TextFile
from digest.audience.wish import Choices, Offer, Wish
from digest.errors import UsageError

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
TITLES = {"python": "Python", "databases": "Databases and storage", "reliability": "Reliability"}
OFFER = Offer("weekly", tuple(TITLES), ("weekly",))

MAILCHIMP = (
    '"Email Address","First Name","Last Name",Interests,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,'
    "LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,{}LEID,EUID,NOTES,TAGS\n"
)
SUBSCRIBED = MAILCHIMP.format("LAST_CHANGED,")
UNSUBSCRIBED = MAILCHIMP.format("UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,")
CLEANED = MAILCHIMP.format("CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,")
LISTMONK = "uuid,email,name,attributes,status,created_at,updated_at\n"
GHOST = "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"
SENDGRID = (
    "EMAIL,FIRST_NAME,LAST_NAME,ADDRESS_LINE_1,CITY,COUNTRY,ALTERNATE_EMAILS,PHONE_NUMBER,CREATED_AT,UPDATED_AT,CONTACT_ID\n"
)


class Read(NamedTuple):
    """Rows as they came out, bad rows, and what was understood."""

    rows: list[Wish | Shut | None]
    bad: list[tuple[int, str]]
    told: Understood


def read(text: str, name: str = "export.csv", **how: Any) -> Read:
    bad: list[tuple[int, str]] = []
    file = TextFile(name, "UTF-8", False, iter(text.splitlines(keepends=True)))
    opened = open_rows(file, OFFER, TITLES, How(**how), lambda _, line, reason, __: bad.append((line, reason)), now=NOW)
    rows = list(opened.rows)
    return Read(rows, bad, opened.understood)


def brief(rows: Iterable[Wish | Shut | None]) -> list[tuple[str, ...] | None]:
    return [
        None
        if row is None
        else (row.address, "left" if row.left else "yes" if row.confirmed else "no")
        if isinstance(row, Wish)
        else (row.address, row.scope, row.reason)
        for row in rows
    ]


def test_mailchimps_subscribers_bring_name_zone_topics_and_when_they_agreed() -> None:
    row = (
        'ann@x.example,Ann,Smith,"Reliability",2,"2020-02-03 04:05:06",192.0.2.7,"2020-02-03 04:06:00",192.0.2.8,52.5,13.4,1,2,'
        'Europe/Berlin,de,be,"2021-01-01 00:00:00",1,e1,"a note\nof two lines","""Python"",""VIP"""\n'
    )
    got = read(SUBSCRIBED + row, "subscribed_email_audience_export_1f.csv")
    assert got.bad == []
    (wish,) = got.rows
    assert isinstance(wish, Wish)
    assert (wish.address, wish.name, wish.confirmed) == ("ann@x.example", "Ann Smith", True)
    assert (wish.choices.topics, wish.choices.timezone) == ("python", "Europe/Berlin")
    assert wish.past is not None
    assert wish.past.opted_in_at == datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert wish.past.confirmed_at == datetime(2020, 2, 3, 4, 6, tzinfo=UTC)
    assert (wish.past.tool, wish.past.origin) == ("mailchimp", "192.0.2.0/24")
    assert got.told.used["email address"] == "e-mail address"
    assert got.told.used["tags"] == "topics"
    assert {"interests", "member_rating", "notes"} <= set(got.told.unused)


@pytest.mark.parametrize(
    ("header", "cells", "name", "comes_to"),
    [
        (UNSUBSCRIBED, "2024-05-06 07:08:09,Issue 3,c1,NORMAL,,", "x.csv", ("a@x.example", "left")),
        (UNSUBSCRIBED, "2024-05-06 07:08:09,Issue 3,c1,SPAM,,", "x.csv", ("a@x.example", "*", "complained")),
        (UNSUBSCRIBED, ",,,,,", "x.csv", ("a@x.example", "left")),
        (UNSUBSCRIBED, "2024-05-06 07:08:09,Issue 3,c1,NORMAL,,", "cleaned_1.csv", ("a@x.example", "*", "bounced")),
        (CLEANED, "2024-05-06 07:08:09,Issue 3,c1,", "x.csv", ("a@x.example", "*", "bounced")),
        (SUBSCRIBED, "2024-05-06 07:08:09,", "cleaned_members_export_1.csv", ("a@x.example", "*", "bounced")),
        (SUBSCRIBED, "2024-05-06 07:08:09,", "unsubscribed_members_export_1.csv", ("a@x.example", "left")),
        (SUBSCRIBED, "2024-05-06 07:08:09,", "nonsubscribed_email_audience_export_1.csv", None),
        (SUBSCRIBED, "2024-05-06 07:08:09,", "sms_only_audience_export_1.csv", None),
        (SUBSCRIBED, "2024-05-06 07:08:09,", "renamed.csv", ("a@x.example", "yes")),
    ],
)
def test_mailchimps_status_is_told_by_the_files_name_or_by_its_columns(
    header: str, cells: str, name: str, comes_to: tuple[str, ...] | None
) -> None:
    got = read(header + f"a@x.example,,,,2,,,,,,,,,,,,{cells}1,e1,,\n", name)
    assert (got.bad, brief(got.rows)) == ([], [comes_to])


def test_of_who_left_the_address_is_kept_and_when_they_came_and_went() -> None:
    row = "A@X.example,Ann,Smith,,2,2020-02-03 04:05:06,192.0.2.7,,,,,,,UTC,,,2024-05-06 07:08:09,,,,,1,e1,,Python\n"
    (one,) = read(UNSUBSCRIBED + row).rows
    assert isinstance(one, Wish)
    assert (one.email, one.address, one.name, one.left, one.confirmed) == ("A@X.example", "a@x.example", None, True, False)
    assert one.choices == Choices(None, None, None, None)
    came, left = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert one.past == Past("mailchimp", came, None, "192.0.2.0/24", left)


def test_when_they_bounced_is_when_they_are_suppressed_from() -> None:
    (one,) = read(CLEANED + "a@x.example,,,,2,,,,,,,,,,,,2024-05-06 07:08:09,,,1,e1,,\n").rows
    assert one == Shut("a@x.example", "*", "bounced", "import from mailchimp", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC))


def test_sendgrids_contacts_are_unconfirmed_until_a_person_vouches_for_them() -> None:
    text = SENDGRID + "Ann@X.example,Ann,Smith,,,,,,2021-02-03T04:05:06Z,2021-02-03T04:05:06Z,c-1\n"
    (wish,) = read(text).rows
    assert isinstance(wish, Wish)
    assert (wish.address, wish.name, wish.confirmed) == ("ann@x.example", "Ann Smith", False)
    assert wish.past is not None
    assert wish.past.opted_in_at == datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert brief(read(text, confirmed=True).rows) == [("ann@x.example", "yes")]


def test_sendgrids_suppressions_are_taken_by_a_persons_word_for_what_they_are() -> None:
    text = "status,reason,email,created\n5.1.1,550 no such user,gone@x.example,1700000000\n"
    with pytest.raises(UsageError, match="--status unsubscribed, bounced or complained"):
        read(text)
    (one,) = read(text, status=Standing.BOUNCED).rows
    assert isinstance(one, Shut)
    assert (one.scope, one.reason, one.at) == ("*", "bounced", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))


def test_listmonks_status_is_the_persons_and_says_nothing_of_their_agreement() -> None:
    text = LISTMONK + "".join(
        f'u-{number},{status}@x.example,N,"{{""city"": ""Bengaluru""}}",{status},2024-01-02 15:04:05.999999 +0000 UTC,\n'
        for number, status in enumerate(("enabled", "disabled", "blocklisted", "whatever"))
    )
    got = read(text)
    assert got.bad == []
    assert brief(got.rows) == [("enabled@x.example", "no"), None, ("blocklisted@x.example", "*", "blocklisted"), None]
    wish = got.rows[0]
    assert isinstance(wish, Wish)
    assert wish.past is not None
    assert wish.past.opted_in_at == datetime(2024, 1, 2, 15, 4, 5, 999999, tzinfo=UTC)
    assert brief(read(text, confirmed=True).rows)[0] == ("enabled@x.example", "yes")


def test_ghosts_members_get_mail_when_they_do_there() -> None:
    rows = (
        '1,ann@x.example,Ann,,true,false,,2024-03-01T09:30:00.000Z,,"Python,Friends",\n'
        "2,bob@x.example,Bob,,false,false,,2024-03-01T09:30:00.000Z,,,\n"
        "3,eve@x.example,Eve,,true,false,,2024-03-01T09:30:00.000Z,2024-04-01T09:30:00.000Z,,\n"
    )
    got = read(GHOST + rows)
    assert brief(got.rows) == [("ann@x.example", "yes"), ("bob@x.example", "left"), None]
    assert got.told.tags == {"Python": 1, "Friends": 1}


@pytest.mark.parametrize(
    "header", ["email,notes,subscriber_type,creation_date,tags", "email_address,notes,type,creation_date,tags"]
)
def test_buttondowns_types_in_their_older_and_newer_names(header: str) -> None:
    kinds = ("regular", "premium", "unactivated", "unsubscribed", "undeliverable", "complained", "blocked", "past_due")
    rows = "".join(f'{kind}@x.example,,{kind},2024-03-01T09:30:00Z,"python, other"\n' for kind in kinds)
    got = read(header + "\n" + rows)
    assert got.told.format == "buttondown"
    assert brief(got.rows) == [
        ("regular@x.example", "yes"),
        ("premium@x.example", "yes"),
        ("unactivated@x.example", "no"),
        ("unsubscribed@x.example", "left"),
        ("undeliverable@x.example", "*", "bounced"),
        ("complained@x.example", "*", "complained"),
        None,
        ("past_due@x.example", "yes"),
    ]


def test_who_unsubscribed_and_bounced_at_buttondown_bounced() -> None:
    rows = "a@x.example,undeliverable,2024-03-01\nb@x.example,regular,2024-03-01\nc@x.example,removed,2024-03-01\n"
    got = brief(read("email,subscriber_type,unsubscription_date\n" + rows).rows)
    assert got == [("a@x.example", "*", "bounced"), ("b@x.example", "left"), ("c@x.example", "left")]


def test_who_is_unactivated_is_not_confirmed_by_somebodys_word_for_the_others() -> None:
    text = "email,subscriber_type\na@x.example,unactivated\n"
    assert brief(read(text, confirmed=True).rows) == [("a@x.example", "no")]


@pytest.mark.parametrize(
    "text",
    [
        (
            "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
            "pia@x.example,true,,other,false,2025-09-01T08:00:00Z,\nquin@x.example,true,2026-01-01,,true,2025-10-12T12:30:00Z,\n"
        ),
        (
            "Email,Name,Stripe plan,Cancel date,Start date,Paid upgrade date,Activity,Type,Subscription source (free)\n"
            "pia@x.example,Pia,,,2025-09-01T08:00:00.000Z,,5,Free,direct\n"
            "quin@x.example,Quin,Monthly,2026-02-01T00:00:00.000Z,2025-10-12T12:30:00.000Z,,3,Paid,direct\n"
        ),
    ],
    ids=["the export of everything", "the export of the page"],
)
def test_substacks_readers_have_left_when_mails_are_off_or_a_cancel_date_is_there(text: str) -> None:
    got = read(text)
    assert got.told.format == "substack"
    assert brief(got.rows) == [("pia@x.example", "yes"), ("quin@x.example", "left")]
    wish = got.rows[0]
    assert isinstance(wish, Wish)
    assert wish.past is not None
    assert wish.past.opted_in_at == datetime(2025, 9, 1, 8, tzinfo=UTC)


def test_tags_are_topics_by_equal_name_or_title_or_by_a_persons_word() -> None:
    rows = "".join(
        f"{number},r{number}@x.example,,,true,false,,,,{labels},\n"
        for number, labels in enumerate(('"python,DATABASES AND STORAGE"', "Weekly News", "Friends", "", "Everything"))
    )
    got = read(GHOST + rows, mapping=read_mapping(["Weekly News=reliability", "everything=*", "friends="]))
    topics = [row.choices.topics for row in got.rows if isinstance(row, Wish)]
    assert topics == ["databases python", "reliability", None, None, "*"]
    assert got.told.everything == 2
    with pytest.raises(UsageError, match="did you mean 'python'"):
        read(GHOST + rows, mapping=read_mapping(["Weekly News=pyton"]))
    with pytest.raises(UsageError, match="write a tag, = and a topic"):
        read_mapping(["Weekly News"])


def test_topics_may_come_from_any_column_that_a_person_names() -> None:
    row = 'ann@x.example,,,"Reliability, Python",2,,,,,,,,,,,,,1,e1,,databases\n'
    (wish,) = read(SUBSCRIBED + row, topics_from=("interests",)).rows
    assert isinstance(wish, Wish)
    assert wish.choices.topics == "python reliability"
    with pytest.raises(UsageError, match="the file has no such column; it has email address"):
        read(SUBSCRIBED + row, topics_from=("groups",))


def test_a_format_may_be_named_where_columns_do_not_tell_it() -> None:
    text = "uuid,email,status\n1,ann@x.example,enabled\n"
    with pytest.raises(UsageError, match="nor is it an export of Mailchimp"):
        read(text)
    assert brief(read(text, format="listmonk", confirmed=True).rows) == [("ann@x.example", "yes")]
    with pytest.raises(UsageError, match="no column of e-mail addresses; it has uuid, status"):
        read("uuid,status\n", format="listmonk")


@pytest.mark.parametrize("how", [{"topics_from": ("topics",)}, {"mapping": {"a": "python"}}, {"confirmed": True}])
def test_a_file_of_ours_needs_none_of_what_helps_with_others(how: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="for other tools' exports"):
        read("email,topics\n", **how)


def test_a_column_that_stands_twice_is_refused_where_it_is_used() -> None:
    with pytest.raises(UsageError, match="a column twice that is used: labels"):
        read(GHOST.replace("tiers", "labels"))
    assert read(GHOST.replace("tiers", "note") + "1,a@x.example,,,true,,,,,,\n").bad == []


def test_what_is_told_of_a_file_is_bounded_whatever_stands_in_it() -> None:
    rows = (f"u,a{n}@x.example,N,{{}},{'x' * 100}{n},,\n" for n in range(1500))
    assert len(read(LISTMONK + "".join(rows)).told.statuses) == 1
    rows = (f'1,a{n}@x.example,,,true,,,,,"t{n},u{n}",\n' for n in range(1500))
    got = read(GHOST + "".join(rows))
    assert (len(got.rows), len(got.told.tags)) == (1500, WORDS_TOLD)


def test_a_file_of_ours_may_be_one_of_people_who_must_not_be_mailed() -> None:
    got = read("email\nann@x.example\n", status=Standing.COMPLAINED)
    assert brief(got.rows) == [("ann@x.example", "*", "complained")]
    (left,) = read("email\nann@x.example\n", status=Standing.UNSUBSCRIBED).rows
    assert isinstance(left, Wish)
    assert (left.left, left.past) == (True, None)


def test_a_row_that_is_wrong_is_told_whatever_it_would_come_to() -> None:
    rows = "1,nobody,,,true,,,,,,\n2,nobody,,,false,,,,,,\n3,,,,true,,,,,,\n4,nobody,,,,,,,,,\n5,a@x.example,,,true,,,,,,,,x\n"
    got = read(GHOST + rows)
    assert got.rows == []
    assert [line for line, _ in got.bad] == [2, 3, 4, 5, 6]
    assert "has 13 cells and the header has 11" in got.bad[-1][1]
    assert not got.told.statuses


def test_a_quote_that_is_never_closed_spoils_its_own_line() -> None:
    rows = (
        '1,ann@x.example,"Ann,,true,,,,,,\n'
        "2,bob@x.example,Bob,,true,,,,,,\n"
        '3,eve@x.example,"Eve\nof two lines",,true,,,,,,\n'
        '4,joe@x.example,"Joe,,true,,,,,,\n'
    )
    got = read(GHOST + rows)
    assert [row.name for row in got.rows if isinstance(row, Wish)] == ["Bob", "Eve of two lines"]
    assert [line for line, _ in got.bad] == [2, 6]


def test_names_and_times_that_make_no_sense_cost_nobody_their_subscription() -> None:
    row = '1,ann@x.example,"\tAnn\x07\n  Smith ",,true,,,3024-03-01T09:30:00Z,,,\n'
    (wish,) = read(GHOST + row).rows
    assert isinstance(wish, Wish)
    assert wish.name == "Ann Smith"
    assert wish.past is not None
    assert wish.past.opted_in_at is None


def test_no_export_of_one_tool_is_taken_for_that_of_another() -> None:
    for one in FORMATS:
        for known in one.known_by:
            assert [other.name for other in FORMATS if other.recognises(known)] == [one.name]
