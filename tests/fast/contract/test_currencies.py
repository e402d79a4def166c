"""The table of currencies, compared with that of the stand-in for Stripe."""

from ticketing_common.money import MAXIMUM_CHARGE, MINIMUM_CHARGES
from ticketing_dev.standins.stripe.resources import money as stripe


def test_supported_currencies_have_the_limits_of_stripe() -> None:
    assert {currency: stripe.MINIMUM[currency] for currency in MINIMUM_CHARGES} == MINIMUM_CHARGES
    assert stripe.MAXIMUM == MAXIMUM_CHARGE
    assert not stripe.NO_MINOR_UNIT & MINIMUM_CHARGES.keys()
