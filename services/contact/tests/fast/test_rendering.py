import pytest

from contact.models import Mail
from contact.rendering import render
from ticketing_testing import new_id

SITE = "https://tickets.example"


def ticket_listed_mail(title: str, price: str) -> Mail:
    # beanie's constructor needs a database connection.
    mail: Mail = Mail.model_construct(
        template="ticket_listed",
        user_id=new_id(),
        to="seller@example.com",
        variables={"title": title, "price": price},
        secret=None,
    )
    return mail


def test_render_keeps_title_with_line_breaks_on_one_line() -> None:
    mail = ticket_listed_mail("Concert\r\n\r\nhttps://tickets.example.evil/", "1.00")

    rendered = render(mail, SITE, "usd")

    assert rendered.subject == "For sale: Concert https://tickets.example.evil/"
    assert rendered.text.startswith('Your ticket "Concert https://tickets.example.evil/" is')
    assert 'href="https://tickets.example.evil' not in rendered.html


@pytest.mark.parametrize(
    ("stored", "currency", "formatted"),
    [
        ("1250.00", "usd", "$1250.00"),
        ("1250.00", "eur", "1250.00 EUR"),
        ("$1250.00", "usd", "$1250.00"),
    ],
    ids=["dollars", "other currency", "stored by an earlier release"],
)
def test_render_formats_price_with_currency(stored: str, currency: str, formatted: str) -> None:
    rendered = render(ticket_listed_mail("Concert", stored), SITE, currency)

    assert f"is for sale at {formatted}." in rendered.text
