"""Alerts and dashboard: they use existing metrics, and each alert has a runbook entry."""

import json
import re

from prometheus_client import REGISTRY
from tests.manifests.conftest import Render
from tests.manifests.rules.objects import Objects

from ticketing_common.observability import metrics
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.manifests import INFRA

MONITORING = INFRA / "components" / "monitoring"
OTHER_METRICS = {
    "up",
    "kube_cronjob_status_last_schedule_time",
    "kube_cronjob_status_last_successful_time",
    "kube_job_failed",
}
NAME = re.compile(r"\b([a-z_]+)(?=[{\[)]| ==|\))")
LABELS = {
    "app",
    "dependency",
    "kind",
    "le",
    "limit",
    "listener",
    "outcome",
    "stream",
    "subject",
    "time",
}


def service_metrics() -> set[str]:
    """Return the names of all metrics of a service."""
    assert metrics.REQUESTS
    return {
        name
        for family in REGISTRY.collect()
        for name in (
            family.name,
            *(family.name + end for end in ("_total", "_count", "_sum", "_bucket")),
        )
    }


def unknown(expression: str) -> set[str]:
    return set(NAME.findall(expression)) - service_metrics() - OTHER_METRICS - LABELS


def test_alerts_and_dashboard_use_existing_metrics(overlay: Render) -> None:
    objects = Objects(overlay("k8s-prod", ("monitoring",)), {})
    [rules] = objects.of("PrometheusRule")
    expressions = [rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert {
        expression: unknown(expression) for expression in expressions if unknown(expression)
    } == {}
    assert unknown("sum by (app) (rate(outbox_failure_total[5m]))") == {"outbox_failure_total"}


def test_alerts_are_documented(overlay: Render) -> None:
    [rules] = Objects(overlay("k8s-prod", ("monitoring",)), {}).of("PrometheusRule")
    alerts = {rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"]}
    documented = re.findall(
        r"^\| `(Ticketing\w+)`", (ROOT / "docs/operations.md").read_text(), re.M
    )
    assert set(documented) == alerts
