"""Real bounces, collected by others over twenty years: each is classified as their collectors classify it, or kept and shown.

The collection is in the source package of flufl.bounce, Mailman's detectors, which pip brings into a folder of the test's own, as it does the
library, which judges. Where they cannot be had the proof is skipped, and with CI=true it fails. Nothing of them is kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.delivery.event import Kind
from digest.delivery.mailed.sorting import Sort, Sorted, sort_mail

pytestmark = pytest.mark.proof
WANTED = "flufl.bounce==6.0.0"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
_OURS = {Kind.BOUNCED: "permanent", Kind.DEFERRED: "temporary"}
_JUDGE = """
import json, pathlib, sys
from email import message_from_bytes
from flufl.bounce import all_failures
said = {}
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    temporary, permanent = all_failures(message_from_bytes(file.read_bytes()))
    said[file.name] = "permanent" if permanent else "temporary" if temporary else "none"
print(json.dumps(said))
"""


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        assert os.environ.get("CI") != "true", done.stderr
        pytest.skip(f"{WANTED} cannot be had")


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bounces, each a file."""
    folder = tmp_path_factory.mktemp("bounces")
    pip("download", "--no-deps", "--no-binary", ":all:", "-d", str(folder), WANTED)
    bounces = folder / "bounces"
    bounces.mkdir()
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        for member in packed:
            if "/data/" in member.name and member.name.endswith(".txt"):
                content = packed.extractfile(member)
                assert content is not None
                (bounces / Path(member.name).name).write_bytes(content.read())
    assert len(list(bounces.iterdir())) > 100
    return bounces


@pytest.fixture(scope="module")
def theirs(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the library says of each: that it is a permanent failure, a temporary one, or none."""
    library = tmp_path_factory.mktemp("library")
    pip("install", "--target", str(library), WANTED)
    judged = subprocess.run(
        [sys.executable, "-c", _JUDGE, str(collection)],
        env={"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(judged.stdout)
    return found


def sorted_ones(collection: Path) -> dict[str, Sorted]:
    return {file.name: sort_mail(file.read_bytes(), None, NOW) for file in sorted(collection.iterdir())}


def test_nearly_all_are_classified_and_none_against_their_collectors_word(collection: Path, theirs: dict[str, str]) -> None:
    ours = sorted_ones(collection)
    pairs = Counter(
        (theirs[name], "none" if one.finding is None else _OURS.get(one.finding.kind, "other")) for name, one in ours.items()
    )
    print(dict(pairs))
    assert pairs["permanent", "temporary"] == pairs["temporary", "permanent"] == 0
    known = sum(many for (their, _), many in pairs.items() if their != "none")
    missed = pairs["permanent", "none"] + pairs["temporary", "none"]
    assert known >= 110
    assert missed <= 3, {name for name, one in ours.items() if one.finding is None and theirs[name] != "none"}


def test_what_is_not_understood_is_kept_and_is_no_automatic_answer(collection: Path) -> None:
    left = {name: one.sort for name, one in sorted_ones(collection).items() if one.finding is None}
    assert len(left) <= 6
    assert {name for name, sort in left.items() if sort is Sort.ANSWER} <= {
        "simple_38.txt",
        "qmail_08.txt",
    }  # a receipt; an answer


def test_hard_bounces_are_those_that_say_so(collection: Path) -> None:
    causes = Counter(one.finding.cause for one in sorted_ones(collection).values() if one.finding and one.finding.cause)
    print(causes)
    full = ("qmail_02.txt", "qmail_06.txt", "simple_07.txt", "simple_09.txt", "simple_14.txt", "hotpop_01.txt", "bounce_01.txt")
    for name in full:  # a full mailbox is a soft one
        finding = sort_mail((collection / name).read_bytes(), None, NOW).finding
        assert finding is not None
        assert finding.cause == "other", name
