"""Kinds of sources, and reading all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from digest.catalogue import reading_sources, registry
from digest.catalogue.article import Entry
from digest.catalogue.reading_sources import read_sources
from digest.catalogue.registry import open_sources, source_kinds
from digest.catalogue.sources.json_file import JsonFile
from digest.catalogue.sources.parsers import Limits, Parsers
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable, UsageError
from digest.settings import SourceSettings

Make = Callable[..., SourceSettings]


class Broken:
    """A plugin with a defect."""

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        pass

    def read(self) -> Reading:
        raise KeyError("no\nsuch thing")


class Careless(Broken):
    """A plugin that does not clean its entries."""

    def read(self) -> Reading:
        good = Entry("a", "https://b.example/a", "https://b.example/a", "A")
        return Reading(
            (good, Entry("b", "javascript:x", "javascript:x", "B"), Entry("c", "https://b.example/c", "https://b.example/c", ""))
        )


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Broken.__module__
    places = {"broken": f"{here}:Broken", "careless": f"{here}:Careless", "gone": "nowhere_at_all:Gone"}
    extra = [EntryPoint(name, place, "digest.sources") for name, place in places.items()]
    known = registry._points()
    monkeypatch.setattr(registry, "_points", lambda: known | {point.name: point for point in extra})
    monkeypatch.setattr(EntryPoint, "load", _load(EntryPoint.load))


def _load(real: Callable[[EntryPoint], object]) -> Callable[[EntryPoint], object]:
    ours: dict[str, object] = {"broken": Broken, "careless": Careless}
    return lambda point: ours.get(point.name) or real(point)


def test_ours_come_through_the_plugins_door(context: SourceContext, source: Make) -> None:
    assert {"json", "feed"} <= set(source_kinds())
    assert isinstance(open_sources([source()], context)[0], JsonFile)


def test_an_unknown_kind_names_its_key_and_suggests(context: SourceContext, source: Make) -> None:
    with pytest.raises(UsageError, match=r"sources\.1\.kind: 'feeed' is no kind of source; did you mean 'feed'\?"):
        open_sources([source(), source(kind="feeed")], context)
    with pytest.raises(UsageError, match="the kinds are feed, ghost, json, markdown, sitemap, wordpress"):
        open_sources([source(kind="xyzzy")], context)


@pytest.mark.usefixtures("plugins")
def test_a_plugin_that_cannot_be_loaded_names_its_key(context: SourceContext, source: Make) -> None:
    with pytest.raises(UsageError, match=r"sources\.0\.kind: the plugin 'gone' cannot be loaded"):
        open_sources([source(kind="gone")], context)


@pytest.mark.usefixtures("plugins")
def test_a_bad_source_stops_only_itself(context: SourceContext, source: Make) -> None:
    (context.project / "articles.json").write_text('[{"title": "x", "url": "https://b.example/x"}]')
    sources = [source("missing", path="nowhere.json"), source("good"), source("plugin", kind="broken")]
    missing, good, plugin = read_sources(sources, context)
    assert (missing.reading, good.error, plugin.reading) == (None, None, None)
    assert good.reading is not None
    assert len(good.reading.entries) == 1
    assert missing.error is not None
    assert "does not exist" in missing.error
    assert plugin.error is not None
    assert "KeyError" in plugin.error
    assert "\n" not in plugin.error


@pytest.mark.usefixtures("plugins")
def test_what_a_plugin_leaves_unclean_does_not_reach_the_catalogue(context: SourceContext, source: Make) -> None:
    (result,) = read_sources([source(kind="careless")], context)
    assert result.reading is not None
    assert [entry.key for entry in result.reading.entries] == ["a"]
    assert [fault.place for fault in result.reading.faults] == ["'b'", "'c'"]


def test_no_sources_are_no_results(context: SourceContext) -> None:
    assert list(read_sources([], context)) == []


class Waiting(Broken):
    """A source that is read only after the one named by its path."""

    done: ClassVar[dict[str, threading.Event]] = {}

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self.own, self.before = settings.name, str(settings.path)

    def read(self) -> Reading:
        if self.before in self.done:
            assert self.done[self.before].wait(20)
        self.done[self.own].set()
        return Reading(())


def test_results_come_in_the_configurations_order_however_they_were_read(
    monkeypatch: pytest.MonkeyPatch, context: SourceContext, source: Make
) -> None:
    monkeypatch.setattr(reading_sources, "open_sources", lambda sources, context: [Waiting(each, context) for each in sources])
    names = [f"s{number}" for number in range(8)]
    Waiting.done.update({name: threading.Event() for name in names})
    sources = [source(name, path=after) for name, after in zip(names, [*names[1:], "nobody"], strict=True)]
    read: list[str] = []
    results = read_sources(sources, context, lambda result: read.append(result.source.name))
    assert [result.source.name for result in results] == names
    assert sorted(read) == names
    assert read[0] != names[0]


def test_sources_of_one_host_are_read_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, context: SourceContext, source: Make
) -> None:
    at_once: dict[str, int] = {"now": 0, "most": 0}

    class Counting(Waiting):
        def read(self) -> Reading:
            at_once["now"] += 1
            at_once["most"] = max(at_once["most"], at_once["now"])
            at_once["now"] -= 1
            return Reading(())

    monkeypatch.setattr(reading_sources, "open_sources", lambda sources, context: [Counting(each, context) for each in sources])
    sources = [source(f"s{number}", url=f"https://Backend.example/{number}") for number in range(50)]
    assert len(list(read_sources(sources, context))) == 50
    assert at_once["most"] == 1


def test_who_stops_listening_stops_the_reading(monkeypatch: pytest.MonkeyPatch, context: SourceContext, source: Make) -> None:
    read: list[str] = []

    class Noting(Waiting):
        def read(self) -> Reading:
            read.append(self.own)
            if len(read) > 1:
                assert self.done["go"].wait(20)
            return Reading(())

    Waiting.done["go"] = threading.Event()
    monkeypatch.setattr(reading_sources, "open_sources", lambda sources, context: [Noting(each, context) for each in sources])
    results = read_sources([source(f"s{number}", url=f"https://b.example/{number}") for number in range(50)], context)
    assert next(results).source.name == "s0"
    threading.Timer(0.1, Waiting.done["go"].set).start()
    results.close()
    assert len(read) == 2


def test_who_asks_for_an_end_gets_what_was_read_and_is_told_of_the_rest(
    monkeypatch: pytest.MonkeyPatch, context: SourceContext, source: Make
) -> None:
    """One source hangs for ever: nobody waits for it, and its thread does not keep the process."""
    stop, hung = threading.Event(), threading.Event()

    class Hanging(Waiting):
        def read(self) -> Reading:
            if self.own == "s0":
                hung.set()
                assert self.done["never"].wait(60)
            else:
                assert hung.wait(20)
                stop.set()
            return Reading(())

    Waiting.done["never"] = threading.Event()
    monkeypatch.setattr(reading_sources, "GRACE", 0.2)
    monkeypatch.setattr(reading_sources, "open_sources", lambda sources, context: [Hanging(each, context) for each in sources])
    hosts = ["a", "b", "b"]
    sources = [source(f"s{number}", url=f"https://{host}.example/{number}") for number, host in enumerate(hosts)]
    results = list(read_sources(sources, context, stop=stop))
    Waiting.done["never"].set()
    assert [(result.reading is not None, result.stopped) for result in results] == [(False, True), (True, False), (False, True)]
    assert results[0].error == "was not read, because the run was asked to stop; the next one reads it"


def test_a_parser_that_is_at_work_when_all_ends_is_ended_too() -> None:
    feed = b"<rss version='2.0'><channel><item><title>" + b"<a " * 200_000
    with Parsers(1) as parsers, ThreadPoolExecutor(1) as threads:
        slow = threads.submit(parsers.parse, feed, None, None, Limits())
        for _ in range(1000):
            if parsers.working:
                break
            time.sleep(0.01)
        parsers.close()
        with pytest.raises(Unreachable):
            slow.result(timeout=20)
        assert parsers.working == ()
    with pytest.raises(Unreachable, match="the reading has ended"):
        parsers.parse(b"<rss/>", None, None, Limits())
