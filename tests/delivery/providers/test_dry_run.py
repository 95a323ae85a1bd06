"""The provider that contacts nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from digest.delivery.providers.answer import Outcome
from digest.delivery.providers.dry_run import DryRun
from digest.delivery.providers.smtp import Smtp
from digest.testing.fake_provider import FakeProvider
from digest.testing.provider_contract import Behaviour, ProviderContract, Trial
from digest.testing.smtp_sink import SmtpSink
from digest.testing.specimens import DATE, a_rendition, envelopes, some_settings


class TestTheContract(ProviderContract):
    """A dry run as every provider is, as far as there is somebody to misbehave."""

    behaviours = frozenset({Behaviour.TAKES})

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        yield Trial(DryRun(some_settings()))


def test_around_another_it_has_that_ones_batches_and_descriptions_and_opens_nothing() -> None:
    inner = FakeProvider(batch_limit=7)
    dry = DryRun.around(inner)
    with closing(dry.open()) as transport:
        assert transport.send(a_rendition(), envelopes(7), DATE).outcomes == (Outcome.ACCEPTED,) * 7
    assert (dry.name, dry.batch_limit) == ("dry-run", 7)
    assert dry.describe(a_rendition(), envelopes(2), DATE) == inner.describe(a_rendition(), envelopes(2), DATE)
    assert (inner.opened, inner.carried) == (0, [])


def test_around_smtp_it_tells_what_smtp_would_carry() -> None:
    with SmtpSink() as sink:
        smtp = Smtp(some_settings(providers={"smtp": {"host": "127.0.0.1", "port": sink.port, "security": "none"}}))
        (described,) = DryRun.around(smtp).describe(a_rendition(), envelopes(1), DATE)
        with closing(smtp.open()) as transport:
            transport.send(a_rendition(), envelopes(1), DATE)
    carried = sink.messages[0]
    assert described == {
        "provider": "smtp",
        "mail_from": "news@news.example",
        "rcpt_to": carried.rcpt_to,
        "size": len(carried.message),
    }
