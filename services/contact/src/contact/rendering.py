"""What a mail says. A template's first line is its subject."""

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from contact.models import Mail

_plain = Environment(
    loader=PackageLoader("contact"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  plain text; layout.html.j2 escapes it
    trim_blocks=True,
)
_html = Environment(loader=PackageLoader("contact"), undefined=StrictUndefined, autoescape=True)


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


def letter(mail: Mail, public_url: str, currency: str) -> Letter:
    """The mail in words; prices are in this currency."""
    site = public_url.rstrip("/")
    # On one line each: a title decides neither where the subject ends nor what is a paragraph.
    facts = {name: " ".join(fact.split()) for name, fact in mail.facts.items()}
    if "price" in facts:
        facts["price"] = _money(facts["price"], currency)
    whole = _plain.get_template(f"{mail.template}.txt.j2").render(
        facts, site=site, secret=mail.secret
    )
    subject, _, text = whole.partition("\n")
    text = text.strip() + "\n"
    html = _html.get_template("layout.html.j2").render(
        subject=subject, paragraphs=text.strip().split("\n\n"), site=site
    )
    return Letter(subject, text, html)


def _money(price: str, currency: str) -> str:
    """Dollars by their sign, others by a code that means one currency alone."""
    price = price.removeprefix("$")  # of a mail that has waited since prices had it when queued
    return f"${price}" if currency == "usd" else f"{price} {currency.upper()}"
