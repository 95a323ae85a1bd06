"""Signing in by OpenID Connect, with a real provider on this machine: whom it vouches for comes in, and nobody else by any trick."""

from __future__ import annotations

import html
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import requests
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from digest.editors.openid.attempt import HOLDS_FOR, attempt_of, set_out
from digest.editors.openid.client import AGAIN_AFTER, Client
from digest.errors import Refused, UsageError
from digest.settings.openid import OpenId
from tests.journeys.project import MONDAY, Project
from tests.rendering.judges import html_findings, needs_judges
from tests.rendering.looking import a_browser, needs_browser
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.desk.browsing import served, visiting
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, Browser, newcomer
from tests.web.desk.examples import signed_in
from tests.web.desk.provider import (
    CLIENT,
    SECRET,
    Claims,
    Provider,
    a_provider,
    by_a_key_that_it_brings,
    by_another,
    by_nothing,
    by_what_everybody_has,
)
from tests.web.test_look import AS_WE_DO
from tests.web.test_unsubscribing import everything

pytestmark = pytest.mark.sqlite  # what is stored is a session, as by a link


def configured(issuer: str, **more: str) -> dict[str, str]:
    """What the environment says of it."""
    named = {"ISSUER": issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "NAME": "Example & Sons"} | more
    return EVERYBODY | {f"DIGEST_EDITORS__OIDC__{name}": value for name, value in named.items()}


KEY = Provider().key


@pytest.fixture(scope="module")
def _provider() -> Iterator[Provider]:
    with a_provider() as made:
        yield made


@pytest.fixture
def provider(_provider: Provider) -> Provider:
    """As honest as at first."""
    fresh = Provider(issuer=_provider.issuer, key=KEY)
    for name in Provider.__slots__:
        setattr(_provider, name, getattr(fresh, name))
    return _provider


@pytest.fixture
def pages(project: Project, provider: Provider) -> Iterator[Pages]:
    with pages_of(project, **configured(provider.issuer)) as made:
        yield made


def there_and_back(browser: Browser) -> str:
    """Somebody goes to the provider, and it sends them back: to which path."""
    sent = browser.get("/editor/openid")
    assert sent.status_code == 303, sent.text
    answer = requests.get(sent.headers["location"], allow_redirects=False, timeout=5)
    assert answer.headers["location"].startswith(f"{HOST}/editor/openid/back?")
    return answer.headers["location"].removeprefix(HOST)


def come_in(browser: Browser, back: str) -> httpx2.Response:
    """Open the page that they were sent back to, and press its button; or what was in the way."""
    page = browser.get(back)
    if page.status_code != 200:
        return page
    fields = dict(re.findall(r'name="(code|state|iss)" value="([^"]*)"', page.text))
    return browser.post("/editor/openid/back", **{name: html.unescape(value) for name, value in fields.items()})


def wrong(answer: httpx2.Response) -> str:
    """What was in the way; nobody is in."""
    assert answer.status_code in (403, 503), answer.text
    (said,) = re.findall(r'role="alert"><bdi>(.*?)</bdi>', answer.text)
    return html.unescape(said)


def test_whom_the_provider_vouches_for_comes_in_with_their_role(pages: Pages, provider: Provider) -> None:
    browser = newcomer(pages)
    assert "Sign in with Example &amp; Sons" in browser.get("/editor/sign-in").text
    back = there_and_back(browser)
    assert browser.get(back).status_code == 200
    assert browser.get("/editor").headers["location"] == "/editor/sign-in"  # opening it is not enough
    answer = come_in(browser, back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/editor")
    assert "eddy@desk.example" in browser.get("/editor").text
    assert browser.get("/editor/audit").status_code == 403
    assert "signed in: <bdi>by Example &amp; Sons</bdi>" in signed_in(pages, ADA).get("/editor/audit").text


def test_nothing_is_written_before_the_button(pages: Pages, provider: Provider) -> None:
    browser, before = newcomer(pages), everything(pages)
    back = there_and_back(browser)
    for path in ("/editor/openid", back, "/editor/openid/back", "/editor/openid/back?error=access_denied"):
        browser.get(path)
        newcomer(pages).client.head(path)
    assert everything(pages) == before


def test_the_address_is_canonical_and_the_session_before_is_over(pages: Pages, provider: Provider) -> None:
    provider.email = "Eddy@Desk.example"
    browser = newcomer(pages)
    come_in(browser, there_and_back(browser))
    former = newcomer(pages)
    former.client.cookies.update(dict(browser.client.cookies))
    come_in(browser, there_and_back(browser))
    assert browser.get("/editor").status_code == 200
    assert former.get("/editor").status_code == 303


def test_who_has_no_role_stays_outside_and_it_is_written_down(pages: Pages, provider: Provider) -> None:
    provider.email = "eve@new.example"
    browser = newcomer(pages)
    assert "looks after no newsletter here" in wrong(come_in(browser, there_and_back(browser)))
    assert browser.get("/editor").status_code == 303
    assert "was not let in" in signed_in(pages, ADA).get("/editor/audit").text


def without(name: str) -> Callable[[Claims], Claims]:
    """An ID token in which something is missing."""
    return lambda said: {key: value for key, value in said.items() if key != name}


def with_(**changed: object) -> Callable[[Claims], Claims]:
    """An ID token in which something is other."""
    return lambda said: said | changed


FORGED: dict[str, tuple[Callable[[Claims], Claims], str]] = {
    "another nonce": (with_(nonce="x" * 43), "nonce"),
    "no nonce": (without("nonce"), "nonce"),
    "another audience": (with_(aud="another-desk"), "aud"),
    "ours among others and no azp": (with_(aud=[CLIENT, "other"]), "azp"),
    "for another party": (with_(azp="other"), "azp"),
    "no audience": (without("aud"), "aud"),
    "another issuer": (with_(iss="https://evil.example"), "iss"),
    "no issuer": (without("iss"), "iss"),
    "expired": (with_(exp=int(time.time()) - 61), "expired"),
    "no end": (without("exp"), "exp"),
    "of tomorrow": (with_(iat=int(time.time()) + 86400), ""),
    "an end that is no number": (with_(exp="soon"), ""),
    "nobody": (without("sub"), "sub"),
    "not verified": (with_(email_verified=False), "not verified"),
    "verified, it is not said": (without("email_verified"), "not verified"),
    "verified in a word": (with_(email_verified="true"), "not verified"),
    "no address": (without("email"), "names no address"),
    "an address that is none": (with_(email="eddy"), "none"),
    "two addresses": (with_(email=[EDDY]), "names no address"),
    "an address with more behind it": (with_(email=f"{EDDY}\r\nBcc: eve@x.example"), "none"),
}


def test_what_an_id_token_must_not_say(pages: Pages, provider: Provider) -> None:
    found = {}
    for how, (provider.claims, said) in FORGED.items():
        browser = newcomer(pages)
        found[how] = (wrong(come_in(browser, there_and_back(browser))), said)
        assert browser.get("/editor").status_code == 303
    assert {how: one for how, one in found.items() if one[1] not in one[0]} == {}


def test_how_an_id_token_must_not_be_signed(pages: Pages, provider: Provider) -> None:
    written = [lambda *_: "x.y.z", lambda *_: "", lambda *_: "a" * 30_000]
    for sign in (by_nothing, by_what_everybody_has, by_another, by_a_key_that_it_brings, *written):
        provider.sign, browser = sign, newcomer(pages)
        assert "cannot be believed" in wrong(come_in(browser, there_and_back(browser)))
        assert browser.get("/editor").status_code == 303


def test_a_way_back_is_worth_nothing_in_another_browser(pages: Pages, provider: Provider) -> None:
    """Neither for who stole it, nor for who is to be signed in under a name that is not theirs."""
    victim, thief = newcomer(pages), newcomer(pages)
    stolen, own = there_and_back(victim), there_and_back(thief)
    assert "another browser" in wrong(thief.get(stolen))
    query = {name: values[0] for name, values in parse_qs(urlsplit(stolen).query).items()}
    assert "another browser" in wrong(thief.post("/editor/openid/back", **query))
    mixed = {"state": parse_qs(urlsplit(own).query)["state"][0]} | {"code": query["code"]}
    assert "start again" in wrong(there_and_mixed(thief, pages, mixed))
    assert "does not know this sign-in any more" in wrong(come_in(victim, stolen))  # the code is used up, and was worth nothing
    assert thief.get("/editor").status_code == 303


def there_and_mixed(thief: Browser, pages: Pages, mixed: dict[str, str]) -> httpx2.Response:
    """A code of somebody else's within one's own attempt: PKCE knows that it is not."""
    own = there_and_back(thief)
    state = parse_qs(urlsplit(own).query)["state"][0]
    return thief.post("/editor/openid/back", **mixed | {"state": state})


def test_a_code_is_good_once(pages: Pages, provider: Provider) -> None:
    browser = newcomer(pages)
    back = there_and_back(browser)
    kept = dict(browser.client.cookies)
    assert come_in(browser, back).status_code == 303
    again = newcomer(pages)
    again.client.cookies.update(kept)
    assert "does not know this sign-in any more" in wrong(come_in(again, back))
    assert "another browser" in wrong(come_in(browser, back))  # whose attempt is over


def test_who_takes_too_long_starts_again(pages: Pages, provider: Provider) -> None:
    browser = newcomer(pages)
    back = there_and_back(browser)
    pages.times.append(MONDAY + HOLDS_FOR)
    assert "took too long" in wrong(browser.get(back))
    pages.times.append(MONDAY + HOLDS_FOR - timedelta(seconds=1))
    assert browser.get(back).status_code == 403  # its cookie is gone


def test_the_cookie_of_an_attempt_is_for_our_pages_alone(pages: Pages, provider: Provider) -> None:
    given = newcomer(pages).get("/editor/openid").headers["set-cookie"].lower()
    assert given.startswith("__host-digest-openid=")
    assert all(part in given for part in ("httponly", "secure", "samesite=lax", "path=/", "max-age=600"))


def test_another_site_cannot_press_the_button(pages: Pages, provider: Provider) -> None:
    browser = newcomer(pages)
    query = {name: values[0] for name, values in parse_qs(urlsplit(there_and_back(browser)).query).items()}
    browser.headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/editor/openid/back", **query).status_code == 403
    assert browser.get("/editor").status_code == 303


def test_a_provider_that_is_down_is_said_so_and_a_link_still_lets_in(project: Project, provider: Provider) -> None:
    with pages_of(project, **configured(provider.issuer)) as pages:
        provider.fails = 500
        browser = newcomer(pages)
        for _ in range(5):
            assert "ask for a link by mail" in wrong(browser.get("/editor/openid"))
        assert len(provider.asked) == 1  # whoever opens pages does not make us ask it again and again
        assert "is on its way" in browser.post("/editor/sign-in", email=EDDY).text


def test_one_that_goes_down_meanwhile_is_said_so(pages: Pages, provider: Provider) -> None:
    browser = newcomer(pages)
    back = there_and_back(browser)
    provider.fails = 503
    assert "does not answer just now" in wrong(come_in(browser, back))


def test_its_document_and_its_keys_are_kept(pages: Pages, provider: Provider) -> None:
    for _ in range(3):
        browser = newcomer(pages)
        assert come_in(browser, there_and_back(browser)).status_code == 303
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    assert provider.asked.count("/keys") == 1


def test_only_so_many_come_back_from_a_network_in_an_hour(pages: Pages, provider: Provider) -> None:
    provider.email = "eve@new.example"
    for _ in range(30):
        browser = newcomer(pages)
        assert "looks after no newsletter" in wrong(come_in(browser, there_and_back(browser)))
    asked, browser = len(provider.asked), newcomer(pages)
    back = there_and_back(browser)
    assert "too many" in wrong(come_in(browser, back))
    assert len(provider.asked) == asked + 1  # where the browser itself went


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"issuer": "https://other.example"}, "calls itself"),
        ({"token_endpoint": "http://evil.example/token"}, "token_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"jwks_uri": None}, "jwks_uri"),
    ],
)
def test_a_provider_that_leads_elsewhere_is_not_followed(
    project: Project, provider: Provider, document: Claims, said: str
) -> None:
    provider.document = document
    with pages_of(project, **configured(provider.issuer)) as pages:
        assert said in wrong(newcomer(pages).get("/editor/openid"))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"ISSUER": "http://login.example"}, "must be https"),
        ({"ISSUER": "https://login.example/?x"}, "must end with its host or path"),
        ({"CLIENT_ID": ""}, "client_id"),
        ({"ISSUER": "login.example"}, "issuer"),
    ],
)
def test_what_is_configured_wrongly_is_said(project: Project, named: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said), pages_of(project, **configured("https://login.example", **named)):
        pass


def test_without_a_provider_there_is_no_such_door(project: Project) -> None:
    with pages_of(project, **EVERYBODY) as pages:
        browser = newcomer(pages)
        assert "openid" not in browser.get("/editor/sign-in").text
        assert browser.get("/editor/openid").status_code == browser.post("/editor/openid/back").status_code == 404


def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(pages: Pages, provider: Provider) -> None:
    provider.shown, provider.document = "post", {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    browser = newcomer(pages)
    assert come_in(browser, there_and_back(browser)).status_code == 303


def test_a_client_without_a_secret_is_known_by_its_attempt_alone(project: Project, provider: Provider) -> None:
    provider.shown = "none"
    named = {name: value for name, value in configured(provider.issuer).items() if not name.endswith("SECRET")}
    with pages_of(project, **named) as pages:
        browser = newcomer(pages)
        assert come_in(browser, there_and_back(browser)).status_code == 303


def test_new_keys_of_the_provider_are_read_when_the_old_ones_are_not_enough(provider: Provider) -> None:
    times = [0.0]
    client = Client(OpenId(issuer=provider.issuer, client_id=CLIENT, client_secret=SecretStr(SECRET)), BACK, lambda: times[-1])
    assert came(client, provider) == EDDY
    provider.key = RSAKey.generate_key(2048, {"kid": "three", "use": "sig"})
    with pytest.raises(Refused, match="a key that it does not show"):
        came(client, provider)  # whoever makes keys up does not make us read them again and again
    times.append(AGAIN_AFTER)
    assert came(client, provider) == EDDY
    assert provider.asked.count("/keys") == 2


BACK = f"{HOST}/editor/openid/back"


def came(client: Client, provider: Provider) -> str:
    """Whom a client hears of who goes there and comes back."""
    now = datetime.now(UTC)
    attempt = attempt_of(b"k" * 32, set_out(now), now)
    assert attempt is not None
    answer = requests.get(client.address(attempt), allow_redirects=False, timeout=5)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert attempt.is_of(query["state"][0])
    with pytest.raises(Refused, match="somebody else"):
        client.email(query["code"][0], "https://evil.example", attempt)
    return client.email(query["code"][0], provider.issuer, attempt)


def test_without_its_library_it_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "digest.editors.openid.client", None)
    with (
        pytest.raises(UsageError, match=r"install digest-newsletter\[oidc\]"),
        pages_of(project, **configured("https://a.example")),
    ):
        pass


@pytest.mark.browser
@needs_browser
def test_a_real_browser_comes_in_by_a_provider(pages: Pages, provider: Provider) -> None:
    """With its cookies, its policies and its idea of what is the same site; our host is played by this machine."""
    with a_browser() as chromium, served(pages) as at, visiting(chromium, at) as (page, _):
        page.context.route(f"{provider.issuer}/**", lambda route: route.continue_())
        back = f"{HOST}/editor/openid/back"
        page.context.route(
            f"{back}*", lambda route: route.fulfill(status=302, headers={"Location": route.request.url.replace(HOST, at)})
        )
        page.goto(f"{at}/editor/sign-in")
        page.get_by_role("link", name="Sign in with Example & Sons").press("Enter")
        page.get_by_role("button", name="Come in").wait_for()
        assert page.url.startswith(f"{at}/editor/openid/back?code=")
        page.get_by_role("button", name="Come in").press("Enter")
        page.wait_for_url(f"{at}/editor")
        assert page.get_by_text(EDDY).count() == 1
        assert [one["name"] for one in page.context.cookies()] == ["digest-desk"]


@pytest.mark.judges
@needs_judges
def test_its_pages_are_valid(pages: Pages, provider: Provider, tmp_path: Path) -> None:
    browser, folder = newcomer(pages), tmp_path / "judged"
    folder.mkdir()
    found = {"sign-in": browser.get("/editor/sign-in").text, "back": browser.get(there_and_back(browser)).text}
    found |= {"wrong": newcomer(pages).get("/editor/openid/back").text}
    assert html_findings(found, folder, AS_WE_DO) == []
