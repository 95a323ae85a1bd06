"""The Python of the page on orchestrators, as it stands there: each exit code, and one real run."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from digest.shipped import shipped
from tests.databases import eventually
from tests.journeys.project import MONDAY, a_project, article

PAGE = (shipped("config").parent / "docs" / "how-to" / "orchestrators.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's first block makes."""
    made: dict[str, Any] = {"__name__": __name__}
    exec(compile(BLOCKS[0], "orchestrators.md", "exec"), made)
    return made


@pytest.mark.parametrize(
    ("does", "verdict"),
    [
        ("""echo '{"issues": ["weekly/1"]}'; exit 0""", "success"),
        ("""echo '{"issues": []}'; exit 0""", "skip"),
        ("""echo '{"issues": []}'; exit 1""", "success"),
        ("echo 'Traceback' >&2; exit 1", "fail"),
        ("echo 'digest: a wrong key' >&2; exit 2", "fail"),
        ("""echo '{"issues": []}'; exit 3""", "fail"),
        ("exit 4", "retry"),
        ("exit 5", "retry"),
        ("kill -KILL $$", "fail"),
        ("exit 0", "fail"),  # no report is no success
    ],
)
def test_every_exit_code_has_a_verdict(page: dict[str, Any], tmp_path: Path, does: str, verdict: str) -> None:
    program = tmp_path / "digest"
    program.write_text(f'#!/bin/sh\n[ "$1 $2 $3 $4" = "run --json --wait 10m" ] || exit 99\n{does}\n', encoding="utf-8")
    program.chmod(0o755)
    assert page["run_digest"](tmp_path, program=str(program)).verdict == verdict


def test_a_real_run_is_a_success_the_next_is_skipped_and_a_person_is_not_tried_again(
    page: dict[str, Any], tmp_path: Path
) -> None:
    with a_project(tmp_path) as project:
        project.join("ann@x.example")
        project.offer(article("a"))

        def verdict() -> str:
            said = project.command("run", "--json", "--wait", "10m", "--now", MONDAY.isoformat())
            assert "ann@x.example" not in said.stdout + said.stderr
            return str(page["verdict"](said.returncode, json.loads(said.stdout) if said.stdout.strip() else {}))

        assert [verdict(), verdict()] == ["success", "skip"]
        assert len(project.mails("ann@x.example")) == 1
        assert project.command("halt", "a look").returncode == 0
        assert verdict() == "fail"
        (project.folder / "articles.json").unlink()
        assert project.command("halt", "--lift").returncode == 0
        assert verdict() == "retry"  # the only source is out of reach


def test_a_task_that_is_ended_by_an_exception_lets_digest_finish(page: dict[str, Any], tmp_path: Path) -> None:
    program = tmp_path / "digest"
    program.write_text(
        "#!/bin/sh\ntrap 'touch finished; kill $S; exit 3' TERM\nsleep 60 & S=$!\ntouch begun\nwait\n", encoding="utf-8"
    )
    program.chmod(0o755)

    class Interrupted(subprocess.Popen[str]):
        def communicate(self, *arguments: Any, **named: Any) -> tuple[str, str]:
            if not (tmp_path / "finished").exists() and self.poll() is None and not named:
                eventually((tmp_path / "begun").exists)
                raise KeyboardInterrupt
            return super().communicate(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            page["run_digest"](tmp_path, program=str(program))
    assert (tmp_path / "finished").exists()


@pytest.mark.parametrize("block", BLOCKS[1:], ids=["airflow", "dagster", "prefect"])
def test_what_was_not_run_can_at_least_be_read_and_minds_every_verdict(block: str) -> None:
    ast.parse(block)
    assert set(re.findall(r'verdict == "(\w+)"', block)) >= {"retry", "fail"}
    assert 'run_digest("/srv/digest", program="/opt/digest/bin/digest")' in block
