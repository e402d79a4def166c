"""What leaves the stand-in, as JSON."""

import json

from ticketing_dev.standins.stripe.errors import Json

TEST_CARD = "stand_in_test_card"
"""The field by which a payment method remembers how its card behaves."""


def written(body: Json) -> str:
    """JSON, without what only the stand-in knows."""
    return json.dumps(without_secrets(body), indent=2)


def without_secrets(node: object) -> object:
    if isinstance(node, dict):
        return {name: without_secrets(value) for name, value in node.items() if name != TEST_CARD}
    if isinstance(node, list):
        return [without_secrets(item) for item in node]
    return node
