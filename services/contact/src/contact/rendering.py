"""Rendering of mails from templates. The first line of a template is the subject."""

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from contact.models import Mail
from ticketing_common.money import with_currency
from ticketing_common.text import isolate

_text_templates = Environment(
    loader=PackageLoader("contact"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  plain text; layout.html.j2 escapes it
    trim_blocks=True,
)
_html_templates = Environment(
    loader=PackageLoader("contact"), undefined=StrictUndefined, autoescape=True
)


@dataclass(frozen=True)
class RenderedMail:
    """A mail as plain text and as HTML."""

    subject: str
    text: str
    html: str


def render(mail: Mail, public_url: str, currency: str) -> RenderedMail:
    """Render a mail. `public_url` is the address of the website, `currency` that of its prices."""
    site = public_url.rstrip("/")
    # A line break in a title must not end the subject or start a paragraph, and a title that reads
    # from right to left must not turn the price after it around.
    variables = {name: isolate(" ".join(value.split())) for name, value in mail.variables.items()}
    if "price" in variables:
        variables["price"] = _format_price(variables["price"], currency)
    template = _text_templates.get_template(f"{mail.template}.txt.j2")
    rendered = template.render(variables, site=site, secret=mail.secret)
    subject, _, text = rendered.partition("\n")
    text = text.strip() + "\n"
    html = _html_templates.get_template("layout.html.j2").render(
        subject=subject, paragraphs=text.strip().split("\n\n"), site=site
    )
    return RenderedMail(subject, text, html)


def _format_price(price: str, currency: str) -> str:
    """Format a price with `$` or with the currency's code: other signs have several meanings."""
    price = price.removeprefix("$")  # earlier releases stored the price with it
    return with_currency(price, currency)
