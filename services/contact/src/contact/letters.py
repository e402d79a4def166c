"""What a mail says. A template's first line is its subject."""

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from contact.models import Mail

_plain = Environment(
    loader=PackageLoader("contact"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  plain text; letter.html.j2 escapes it
    trim_blocks=True,
)
_html = Environment(loader=PackageLoader("contact"), undefined=StrictUndefined, autoescape=True)


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


def letter(mail: Mail, public_url: str) -> Letter:
    """The mail in words."""
    site = public_url.rstrip("/")
    # On one line each: a title decides neither where the subject ends nor what is a paragraph.
    facts = {name: " ".join(fact.split()) for name, fact in mail.facts.items()}
    whole = _plain.get_template(f"{mail.template}.txt.j2").render(
        facts, site=site, secret=mail.secret
    )
    subject, _, text = whole.partition("\n")
    text = text.strip() + "\n"
    html = _html.get_template("letter.html.j2").render(
        subject=subject, paragraphs=text.strip().split("\n\n"), site=site
    )
    return Letter(subject, text, html)
