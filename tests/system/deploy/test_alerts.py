"""The alert rules as Prometheus itself reads them: they parse, fire on what they are for, and on nothing
else."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.needs import NEEDS_PROMTOOL
from tests.system.deploy.files import alerts
from u2c.deployment.state import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
FILES = ("alerts_day_test.yml", "alerts_test.yml")
CASES = [case for file in FILES for case in yaml.safe_load((FOLDER / file).read_text())["tests"]]


def promtool(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True)


@NEEDS_PROMTOOL
def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    done = promtool("check", "config", "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(alerts())} rules found" in done.stdout


@NEEDS_PROMTOOL
def test_each_rule_fires_on_what_it_is_for() -> None:
    done = promtool("test", "rules", *FILES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_has_its_case() -> None:
    said = str([case["promql_expr_test"] + case.get("alert_rule_test", []) for case in CASES])
    assert not [
        rule["alert"]
        for rule in alerts()
        if f'"{rule["alert"]}"' not in said and f"'{rule['alert']}'" not in said
    ]


@NEEDS_PROMTOOL
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a misspelt metric", "u2c_quarantine_open", "u2c_quarantined_open"),
        ("a label that is not there", 'state="held"', 'status="held"'),
        ("a wait too long", "for: 10m", "for: 40h"),
        (
            "a counter where the number that is open is meant",
            "max by (group, topic) (u2c_dead_letters_open)",
            "sum by (group, topic) (increase(u2c_dead_letters_open[1h]))",
        ),
    ],
)
def test_a_rule_that_would_stay_silent_is_noticed(name: str, before: str, after: str, tmp_path: Path) -> None:
    rules = (FOLDER / "alerts.yml").read_text()
    assert before in rules, name
    (tmp_path / "alerts.yml").write_text(rules.replace(before, after))
    for file in FILES:
        shutil.copy(FOLDER / file, tmp_path)
    assert promtool("test", "rules", *FILES, folder=tmp_path).returncode != 0, name
