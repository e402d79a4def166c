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


def test_render_isolates_right_to_left_title() -> None:
    rendered = render(ticket_listed_mail("\u05e9\u05dc\u05d5\u05dd 2026 <b>", "1.00"), SITE, "usd")

    assert rendered.subject == "For sale: \u2068\u05e9\u05dc\u05d5\u05dd 2026 <b>\u2069"
    assert '"\u2068\u05e9\u05dc\u05d5\u05dd 2026 <b>\u2069" is for sale at $1.00' in rendered.text
    assert "<bdi>\u05e9\u05dc\u05d5\u05dd 2026 &lt;b&gt;</bdi>" in rendered.html
    assert "\u2069</h1>" not in rendered.html


def test_render_drops_the_direction_controls_of_an_earlier_release() -> None:
    rendered = render(ticket_listed_mail("a\u202eb", "1.00"), SITE, "usd")

    assert '"ab" is for sale at $1.00' in rendered.text


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
