"""Real processes, real sockets, SIGKILL at random: nobody gets an issue twice, nobody is silently lost.

The witness is the mail server: it counts what arrived whole. `DIGEST_CRASH_LOOP=KILLS` makes the loop longer.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.settings.project import init_project
from digest.testing.smtp_sink import SmtpSink
from tests.databases import fresh_database

pytestmark = [pytest.mark.proof, pytest.mark.usefixtures("database")]

NOW = "2026-11-23T09:05:00+00:00"
TOPICS = ("databases", "messaging", "reliability", "data-engineering", "python", "devops", "security", "career")
SECONDS = 240.0


def said_by(project: Path, environment: dict[str, str], *arguments: str) -> str:
    """What a `digest` process printed; it must end well."""
    with digest(project, environment, *arguments) as process:
        said, complaint = process.communicate()
    assert process.returncode == 0, complaint
    return said


def digest(project: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """A `digest` process in a project."""
    script = "import sys; from digest.cli import main; sys.argv[0] = 'digest'; main()"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_whatever_is_killed_nobody_gets_it_twice_and_nobody_is_silently_lost(tmp_path: Path) -> None:
    kills = int(os.environ.get("DIGEST_CRASH_LOOP", "12"))
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    audience = kills * 25
    init_project(tmp_path, datetime(2026, 11, 20, tzinfo=UTC))
    people = [f"u{number}@example.com,{' '.join(draw.sample(TOPICS, 3))},yes" for number in range(audience)]
    (tmp_path / "people.csv").write_text("\n".join(["email,topics,confirmed", *people]), encoding="utf-8")
    with SmtpSink() as sink:
        environment = {
            **os.environ,
            "DIGEST_DATABASE__URL": fresh_database(tmp_path),
            "DIGEST_DELIVERY__PROVIDER": "smtp",
            "DIGEST_PROVIDERS__SMTP__HOST": sink.host,
            "DIGEST_PROVIDERS__SMTP__PORT": str(sink.port),
            "DIGEST_PROVIDERS__SMTP__SECURITY": "none",
        }
        said_by(tmp_path, environment, "subscribers", "import", "people.csv")
        killed = send_and_kill(tmp_path, environment, sink, draw, kills)
        arrived = Counter(message.rcpt_to for message in sink.arrived)
        accepted_by_witness = sum(message.accepted for message in sink.arrived)
    stats = json.loads(said_by(tmp_path, environment, "stats", "weekly/1", "--json"))
    account = stats["account"]
    assert killed == kills
    assert [address for address, times in arrived.items() if times > 1] == []
    assert sum(account.values()) == stats["audience"] == audience
    assert account["accepted"] + account["unknown"] == audience
    assert account["accepted"] <= accepted_by_witness <= account["accepted"] + account["unknown"]
    assert audience - len(arrived) <= account["unknown"]


def send_and_kill(project: Path, environment: dict[str, str], sink: SmtpSink, draw: random.Random, kills: int) -> int:
    """Run until nothing is left to send, killing `kills` runs after a few messages each; returns how many were killed."""
    killed, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        before = len(sink.arrived)
        fatal = before + draw.randint(1, 20) if killed < kills else None
        with digest(project, environment, "run", "--now", NOW) as run:
            while run.poll() is None and (fatal is None or len(sink.arrived) < fatal):
                time.sleep(0.002)
            if run.poll() is None:
                run.kill()
                killed += 1
            run.communicate()
        if run.returncode >= 0 and len(sink.arrived) == before:
            return killed
    raise AssertionError(f"not at its end after {SECONDS} s and {killed} kills")
