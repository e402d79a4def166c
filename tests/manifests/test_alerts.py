"""What Prometheus is asked about: numbers that there are, and alerts that somebody explains."""

import json
import re

from prometheus_client import REGISTRY
from tests.manifests.conftest import Render
from tests.manifests.references import Objects

from ticketing_common.observability import metrics
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.manifests import INFRA

MONITORING = INFRA / "components" / "monitoring"
OF_OTHERS = {
    "up",
    "kube_cronjob_status_last_schedule_time",
    "kube_cronjob_status_last_successful_time",
    "kube_job_failed",
}
NAME = re.compile(r"\b([a-z_]+)(?=[{\[)]| ==|\))")
WORDS = {"app", "dependency", "le", "listener", "outcome", "subject", "time"}


def told() -> set[str]:
    """The names of all that a service tells at /metrics."""
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
    return set(NAME.findall(expression)) - told() - OF_OTHERS - WORDS


def test_alerts_and_dashboard_ask_for_numbers_that_there_are(overlay: Render) -> None:
    objects = Objects(overlay("k8s-prod", ("monitoring",)), {})
    [rules] = objects.of("PrometheusRule")
    asked = [rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert {expression: unknown(expression) for expression in asked if unknown(expression)} == {}
    assert unknown("sum by (app) (rate(outbox_failure_total[5m]))") == {"outbox_failure_total"}


def test_each_alert_is_explained_to_who_is_woken_by_it(overlay: Render) -> None:
    [rules] = Objects(overlay("k8s-prod", ("monitoring",)), {}).of("PrometheusRule")
    alerts = {rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"]}
    explained = re.findall(r"^\| `(Ticketing\w+)`", (ROOT / "docs/operations.md").read_text(), re.M)
    assert set(explained) == alerts
