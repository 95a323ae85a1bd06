"""The main job with its state in PostgreSQL."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.databases import Server
from tests.journeys.project import MONDAY, WEEK, a_project, article

NOW = MONDAY.isoformat()


def test_the_main_job_runs_on_postgresql_and_a_dry_run_leaves_it_alone(tmp_path: Path, postgresql: Server) -> None:
    with a_project(tmp_path) as project:
        project.join("ann@x.example", "python")
        project.join("bob@x.example")
        project.offer(article("a"), article("b", tags=("databases",)))
        assert project.command("run", "--dry-run", "--now", NOW).returncode == 0
        assert (project.issues(), project.sink.connections) == ([], 0)
        project.run()
        project.offer(article("a"), article("b", tags=("databases",)), article("c", at=MONDAY))
        project.run(MONDAY + timedelta(minutes=5))
        project.run(MONDAY + WEEK)
        assert project.read("ann@x.example") == [["a"], ["c"]]
        assert [sorted(mail) for mail in project.read("bob@x.example")] == [["a", "b"], ["c"]]
        assert project.account("weekly/2") == {"accepted": 2}


def test_after_a_kill_on_postgresql_nobody_gets_it_twice_and_all_are_counted(tmp_path: Path, postgresql: Server) -> None:
    with a_project(tmp_path) as project:
        rows = "".join(f"u{number}@x.example,yes\n" for number in range(60))
        (tmp_path / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
        assert project.command("subscribers", "import", "people.csv").returncode == 0
        project.offer(article("a"))
        with project.process("run", "--now", NOW) as process:
            while len(project.sink.arrived) < 15 and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.communicate()
        again = project.command("run", "--now", NOW)
        assert again.returncode in {0, 1}, again.stderr
        arrived = Counter(one.rcpt_to for one in project.sink.arrived)
        account = project.account("weekly/1")
        assert max(arrived.values()) == 1
        assert account["accepted"] + account.get("unknown", 0) == 60
        assert 60 - len(arrived) <= account.get("unknown", 0) <= 2
