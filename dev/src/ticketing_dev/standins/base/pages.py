"""HTML pages of a stand-in, rendered from templates."""

from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

CONTENT_SECURITY_POLICY = "script-src 'none'; object-src 'none'; base-uri 'self'"
BASE_TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """The pages of one stand-in. They run no scripts."""

    def __init__(self, templates: Path) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([templates, BASE_TEMPLATES]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return the response with a rendered template."""
        html = self._environment.get_template(template).render(**values)
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return HTMLResponse(html, status, headers=headers)
