"""Generate the table of docs/limits.md from the settings of the services.

`python -m ticketing_dev.tools.limits` writes it.
"""

from pydantic.fields import FieldInfo

from ticketing_common.settings import LimitSettings
from ticketing_common.topology import SERVICES_WITH_ROUTES
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.env_example import settings_class

PATH = ROOT / "docs" / "limits.md"
PREFIX = "limit_"
TABLE = "| variable | services | default | counts |\n"


def limits_page() -> str:
    """Return the page with a new table."""
    prose = PATH.read_text().partition(TABLE)[0]
    rows = ["| --- | --- | --- | --- |"]
    for name, field in LimitSettings.model_fields.items():
        if name.startswith(PREFIX):
            rows.append(_row(name, "all with routes", field))
    for service in SERVICES_WITH_ROUTES:
        for name, field in settings_class(service).model_fields.items():
            if name.startswith(PREFIX) and name not in LimitSettings.model_fields:
                rows.append(_row(name, service, field))
    return prose + TABLE + "\n".join([*rows, ""])


def _row(name: str, services: str, field: FieldInfo) -> str:
    description = " ".join((field.description or "").split()).rstrip(".")
    return f"| `{name.upper()}` | {services} | {field.default} | {description} |"


if __name__ == "__main__":
    PATH.write_text(limits_page())
