"""The JSON of responses and webhooks."""

import json

from ticketing_dev.standins.stripe.api.errors import Json

TEST_CARD = "stand_in_test_card"
"""The internal field of a payment method with the name of its test card."""


def to_json(body: Json) -> str:
    """Return the JSON without internal fields."""
    return json.dumps(without_internal_fields(body), indent=2)


def without_internal_fields(node: object) -> object:
    """Return a copy without the internal fields, at any depth."""
    if isinstance(node, dict):
        return {
            name: without_internal_fields(value)
            for name, value in node.items()
            if name != TEST_CARD
        }
    if isinstance(node, list):
        return [without_internal_fields(item) for item in node]
    return node
