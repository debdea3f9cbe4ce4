"""The alert rules against the metrics of the code: a rule about a metric that nobody exposes would never
fire."""

import importlib
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from shared.postgres.setup import PROCESSES
from tests.system.deploy.files import alerts, compose, prometheus
from u2c.deployment.services import PORTS

MADE_BY_PROMETHEUS = {"up"}
LABELS_OF_PROMETHEUS = {"job", "instance", "le"}
WORDS = {
    "by",
    "sum",
    "max",
    "min",
    "rate",
    "increase",
    "histogram_quantile",
    "and",
    "or",
    "unless",
    "on",
    "absent",
    "time",
    "vector",
    "offset",
    "d",
}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def exposed() -> set[str]:
    """The names of the samples /metrics of the four services and the console may hold: from what they print, whether a label
    was seen yet or not."""
    for service in PROCESSES:
        importlib.import_module(f"services.{service}.main")
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", generate_latest(REGISTRY).decode(), re.MULTILINE))
    return {
        name.removesuffix("_total") + suffix
        for name, kind in kinds.items()
        for suffix in SUFFIXES.get(kind, ("",))
    }


def labels_of(sample: str) -> set[str]:
    """The labels a metric of ours is declared with."""
    collectors: Any = REGISTRY._names_to_collectors
    return set(collectors[sample]._labelnames) | LABELS_OF_PROMETHEUS


def metrics_in(expression: str) -> set[str]:
    """The metrics an expression asks for."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", "", expression)
    return set(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", bare)) - WORDS


def labels_in(rule: dict[str, Any]) -> set[str]:
    """The labels a rule matches, groups by or prints."""
    expression = rule["expr"]
    matched = re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    grouped = [
        name.strip() for names in re.findall(r"\bby \(([^)]*)\)", expression) for name in names.split(",")
    ]
    return {*matched, *grouped, *re.findall(r"\$labels\.([a-z_]+)", str(rule["annotations"]))}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_metrics_that_exist_by_labels_they_have(rule: dict[str, Any]) -> None:
    asked = metrics_in(rule["expr"])
    assert asked or rule["expr"] == "vector(1)"
    assert asked <= exposed() | MADE_BY_PROMETHEUS
    for sample in asked - MADE_BY_PROMETHEUS:
        assert labels_in(rule) <= labels_of(sample), sample


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_a_rule_says_what_happened_and_what_to_do(rule: dict[str, Any]) -> None:
    assert {"summary", "description"} == rule["annotations"].keys()
    assert rule["labels"]["severity"] in ("page", "ticket", "none")
    printed = set(re.findall(r"\$labels\.([a-z_]+)", str(rule["annotations"])))
    grouped = {
        name.strip() for names in re.findall(r"\bby \(([^)]*)\)", rule["expr"]) for name in names.split(",")
    }
    assert printed <= (grouped or LABELS_OF_PROMETHEUS), "what is aggregated away cannot be printed"


def test_a_metric_nobody_exposes_is_noticed() -> None:
    assert metrics_in('sum by (group) (rate(u2c_consumer_records_total{outcome="dead"}[5m])) > 3') == {
        "u2c_consumer_records_total"
    }
    assert "u2c_consumer_records_total" in exposed()
    assert not metrics_in("rate(u2c_no_such_metric_total[5m]) > 0") <= exposed()
    assert "u2c_http_request_seconds" not in exposed(), "a histogram has buckets, a sum and a count"


def test_every_service_is_scraped_where_it_answers() -> None:
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus()["scrape_configs"]}
    assert targets == {process: [f"{process}:{PORTS[process]}"] for process in PROCESSES}
    assert targets.keys() <= compose()["services"].keys()
    assert not [
        job for job in prometheus()["scrape_configs"] if job.get("metrics_path", "/metrics") != "/metrics"
    ]
