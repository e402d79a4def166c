"""What the documentation of Stripe says, held against the stand-in through its SDK."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe

TESTING = "Testing (docs.stripe.com/testing)"
IDEMPOTENCY = "Idempotent requests (docs.stripe.com/api/idempotent_requests)"
LOW_LEVEL = "Advanced error handling (docs.stripe.com/error-low-level)"
ERRORS = "Errors (docs.stripe.com/api/errors)"
ERROR_CODES = "Error codes (docs.stripe.com/error-codes)"
LIFECYCLE = "How PaymentIntents work (docs.stripe.com/payments/paymentintents/lifecycle)"
CREATE = "Create a PaymentIntent (docs.stripe.com/api/payment_intents/create)"
CANCEL = "Cancel a PaymentIntent (docs.stripe.com/api/payment_intents/cancel)"
REFUND = "Create a refund (docs.stripe.com/api/refunds/create)"
PAGINATION = "Pagination (docs.stripe.com/api/pagination)"
CURRENCIES = "Supported currencies (docs.stripe.com/currencies)"
REQUEST_IDS = "Request IDs (docs.stripe.com/api/request_ids)"
AUTHENTICATION = "Authentication (docs.stripe.com/api/authentication)"
METADATA = "Metadata (docs.stripe.com/api/metadata)"
EXPANDING = "Expanding Responses (docs.stripe.com/api/expanding_objects)"
NO_BANK = (
    "Card payments without bank authentication "
    "(docs.stripe.com/payments/without-card-authentication)"
)
ENDIVE = (
    "Removes the payment method types parameter from Payment Intents and Setup Intents "
    "(docs.stripe.com/changelog/endive)"
)
ALLOWED = (
    "Adds the allowed payment method types parameter to Payment Intents and Setup Intents "
    "(docs.stripe.com/changelog/dahlia)"
)
ACH = "Accept an ACH Direct Debit payment (docs.stripe.com/payments/ach-direct-debit)"

CONFIRM = "Confirm a PaymentIntent (docs.stripe.com/api/payment_intents/confirm)"
DESCRIPTORS = "Statement descriptors (docs.stripe.com/get-started/account/statement-descriptors)"
CHARGE = "The Charge object (docs.stripe.com/api/charges/object)"
REFUNDS = "Refund and cancel payments (docs.stripe.com/refunds)"
DISPUTES = "How disputes work (docs.stripe.com/disputes/how-disputes-work)"
DISPUTE = "The Dispute object (docs.stripe.com/api/disputes/object)"
EVENTS = "List all events (docs.stripe.com/api/events/list)"

# Stripe's SDK hands its bodies to httpx in a way that httpx has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Pay = Callable[..., Any]
NEVER = {"enabled": True, "allow_redirects": "never"}


def told(raised: pytest.ExceptionInfo[stripe.StripeError]) -> Any:
    """The error that the SDK raised, with all that it read from the answer."""
    return raised.value


@pytest.fixture(autouse=True)
def source(request: pytest.FixtureRequest) -> None:
    """Every fact names the page it is from."""
    page, _, _ = (request.function.__doc__ or "").partition(":")
    assert "docs.stripe.com" in globals().get(page, ""), "the docstring names no page"


@pytest.mark.parametrize(
    ("method", "brand"),
    [
        ("pm_card_visa", "visa"),
        ("tok_visa", "visa"),
        ("pm_card_mastercard", "mastercard"),
        ("tok_mastercard", "mastercard"),
        ("pm_card_amex", "amex"),
        ("tok_discover", "discover"),
    ],
)
async def test_a_test_card_of_each_brand_pays(
    client: Any, pay: Pay, method: str, brand: str
) -> None:
    """TESTING: cards by brand simulate a successful payment."""
    intent = await pay(method)
    assert intent.status == "succeeded"
    assert intent.amount_received == 2000
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert charge.payment_method_details.card.brand == brand
    assert (charge.paid, charge.captured, charge.status) == (True, True, "succeeded")


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("tok_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("tok_chargeDeclined", "card_declined", "generic_decline"),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        (
            "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
            "card_declined",
            "card_velocity_exceeded",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("tok_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
async def test_each_declining_test_card_declines_with_its_own_codes(
    pay: Pay, method: str, code: str, decline_code: str | None
) -> None:
    """TESTING: declined payments, with their error code and decline code."""
    with pytest.raises(stripe.CardError) as refused:
        await pay(method)
    assert told(refused).code == code
    assert told(refused).error.type == "card_error"
    if decline_code:
        assert told(refused).error.decline_code == decline_code


async def test_a_decline_is_a_402_with_the_failed_charge_and_words_for_the_buyer(
    client: Any, pay: Pay
) -> None:
    """ERRORS: 402 means that the parameters were valid but the request failed."""
    with pytest.raises(stripe.CardError) as refused:
        await pay("pm_card_visa_chargeDeclinedInsufficientFunds")
    error = told(refused)
    assert error.http_status == 402
    assert error.user_message == "Your card has insufficient funds."
    charge = await client.v1.charges.retrieve_async(error.error.charge)
    assert (charge.status, charge.paid) == ("failed", False)
    assert charge.failure_code == "card_declined"


async def test_a_declined_intent_waits_for_another_card_and_can_then_be_paid(
    client: Any, pay: Pay
) -> None:
    """LIFECYCLE: if the payment attempt fails, the status returns to requires_payment_method."""
    with pytest.raises(stripe.CardError) as refused:
        await pay("pm_card_visa_chargeDeclined")
    intent = told(refused).error.payment_intent
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.decline_code == "generic_decline"
    paid = await client.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_visa"}
    )
    assert paid.status == "succeeded"
    assert paid.last_payment_error is None


async def test_an_intent_goes_from_method_to_confirmation_to_success(client: Any) -> None:
    """LIFECYCLE: requires_payment_method, then requires_confirmation, then succeeded."""
    intents = client.v1.payment_intents
    order: Any = {"amount": 2000, "currency": "usd", "automatic_payment_methods": NEVER}
    bare = await intents.create_async(order)
    assert bare.status == "requires_payment_method"
    ready = await intents.create_async({**order, "payment_method": "pm_card_visa"})
    assert ready.status == "requires_confirmation"
    assert (await intents.confirm_async(ready.id)).status == "succeeded"


async def test_a_card_that_wants_3d_secure_requires_action(pay: Pay) -> None:
    """LIFECYCLE: a payment that needs 3D Secure has the status requires_action."""
    for method in ("pm_card_threeDSecure2Required", "tok_threeDSecure2Required"):
        intent = await pay(method)
        assert intent.status == "requires_action"
        assert intent.next_action.type == "use_stripe_sdk"
        assert intent.client_secret.startswith(f"{intent.id}_secret_")
        assert intent.latest_charge is None


async def test_a_required_action_is_an_error_where_it_was_asked_to_be(pay: Pay) -> None:
    """NO_BANK: error_on_requires_action declines the card with authentication_required."""
    with pytest.raises(stripe.CardError) as refused:
        await pay("pm_card_threeDSecure2Required", error_on_requires_action=True)
    assert told(refused).http_status == 402
    assert told(refused).code == "authentication_required"
    assert told(refused).error.decline_code == "authentication_not_handled"
    assert told(refused).error.payment_intent.status == "requires_payment_method"


async def test_error_on_requires_action_needs_confirm(pay: Pay) -> None:
    """CREATE: error_on_requires_action can only be used with confirm=true."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await pay("pm_card_visa", confirm=False, error_on_requires_action=True)
    assert told(refused).param == "error_on_requires_action"


async def test_confirming_without_a_return_url_needs_redirects_ruled_out(pay: Pay) -> None:
    """CREATE: automatic methods may redirect, so confirm needs return_url or never."""
    with pytest.raises(stripe.InvalidRequestError, match="must provide a `return_url`"):
        await pay("pm_card_visa", automatic_payment_methods={"enabled": True})
    there = await pay(
        "pm_card_visa",
        automatic_payment_methods={"enabled": True},
        return_url="https://tickets.example/paid",
    )
    assert there.status == "succeeded"


async def test_payment_method_types_may_be_read_but_no_longer_written(pay: Pay) -> None:
    """ENDIVE: passing payment_method_types is a 400 with a code of its own."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await pay("pm_card_visa", payment_method_types=["card"])
    assert told(refused).code == "payment_method_types_no_longer_supported"
    assert "card" in (await pay("pm_card_visa")).payment_method_types


async def test_allowed_types_are_filtered_and_exclude_automatic_ones(client: Any, pay: Pay) -> None:
    """ALLOWED: incompatible types are filtered out; automatic_payment_methods cannot be added."""
    allowed = ["card", "konbini"]
    intent = await client.v1.payment_intents.create_async(
        {
            "amount": 2000,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": allowed,
        }
    )
    assert (intent.status, intent.payment_method_types) == ("succeeded", ["card"])
    with pytest.raises(stripe.InvalidRequestError):
        await pay("pm_card_visa", allowed_payment_method_types=allowed)


async def test_a_bank_debit_can_stay_processing_and_be_cancelled(client: Any, pay: Pay) -> None:
    """ACH: pm_usBankAccount_processing stays in processing, to test cancelling."""
    intent = await pay("pm_usBankAccount_processing")
    assert intent.status == "processing"
    cancelled = await client.v1.payment_intents.cancel_async(intent.id)
    assert cancelled.status == "canceled"


@pytest.mark.parametrize("method", ["pm_card_nonesuch", "tok_nonesuch"])
async def test_an_unknown_method_or_token_is_a_missing_resource(pay: Pay, method: str) -> None:
    """ERROR_CODES: resource_missing, the ID provided is not valid."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await pay(method)
    assert told(refused).http_status == 400
    assert told(refused).code == "resource_missing"
    assert told(refused).param in ("payment_method", "payment_method_data[card][token]")


async def test_an_intent_that_does_not_exist_is_a_404(client: Any) -> None:
    """ERRORS: 404, the requested resource doesn't exist."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.retrieve_async("pi_nonesuch")
    assert (told(refused).http_status, told(refused).code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 29, "currency": "gbp"}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": "20.00"}, "parameter_invalid_integer"),
        ({"amount": None}, "parameter_missing"),
    ],
)
async def test_amounts_are_whole_minor_units_within_limits(
    pay: Pay, change: dict[str, Any], code: str
) -> None:
    """CURRENCIES: the minimum is $0.50, and an amount has at most eight digits."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await pay("pm_card_visa", **change)
    assert (told(refused).code, told(refused).param) == (code, "amount")


async def test_the_smallest_and_the_largest_amounts_are_taken(pay: Pay) -> None:
    """CURRENCIES: $0.50 and $999,999.99 are within the limits."""
    assert (await pay("pm_card_visa", amount=50)).status == "succeeded"
    assert (await pay("pm_card_visa", amount=99_999_999)).status == "succeeded"


async def test_the_same_key_gives_the_same_answer_and_charges_once(client: Any, pay: Pay) -> None:
    """IDEMPOTENCY: subsequent requests with the same key return the same result."""
    first = await pay("pm_card_visa", key="order-1")
    second = await pay("pm_card_visa", key="order-1")
    assert second.id == first.id
    assert second.last_response.body == first.last_response.body
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len((await client.v1.charges.list_async()).data) == 1


async def test_a_decline_is_replayed_too(client: Any, pay: Pay) -> None:
    """IDEMPOTENCY: the result is saved regardless of whether it succeeds or fails."""
    answers: list[Any] = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            await pay("pm_card_visa_chargeDeclined", key="order-1")
        answers.append(told(refused))
    assert answers[0].http_body == answers[1].http_body
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len((await client.v1.charges.list_async()).data) == 1


async def test_a_500_that_happened_while_executing_is_replayed(
    pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    """IDEMPOTENCY: the same result, including 500 errors."""
    await stripe_http.post("/_control/faults", json={"kind": "error", "when": "during"})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await pay("pm_card_visa", key="order-1")
        assert told(failed).http_status == 500
    assert (await pay("pm_card_visa", key="order-2")).status == "succeeded"


async def test_the_same_key_with_other_parameters_is_refused(pay: Pay) -> None:
    """IDEMPOTENCY: incoming parameters are compared, and differing ones are an error."""
    await pay("pm_card_visa", key="order-1")
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refused:
        await pay("pm_card_visa", key="order-1", amount=3000)
    assert told(refused).http_status == 400
    assert told(refused).error.type == "idempotency_error"


async def test_the_same_key_at_another_endpoint_is_refused(client: Any, pay: Pay) -> None:
    """LOW_LEVEL: a key belongs to the request that it was first used for."""
    intent = await pay("pm_card_visa", key="order-1")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await client.v1.refunds.create_async(
            {"payment_intent": intent.id}, options={"idempotency_key": "order-1"}
        )


async def test_a_request_that_failed_validation_leaves_its_key_unused(pay: Pay) -> None:
    """IDEMPOTENCY: results are saved only after the execution of an endpoint begins."""
    with pytest.raises(stripe.InvalidRequestError):
        await pay("pm_card_visa", key="order-1", amount=1)
    assert (await pay("pm_card_visa", key="order-1")).status == "succeeded"


async def test_a_rate_limited_request_leaves_its_key_unused(
    pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    """LOW_LEVEL: the rate limiter runs before the idempotency layer."""
    await stripe_http.post("/_control/faults", json={"kind": "error", "status": 429})
    with pytest.raises(stripe.RateLimitError):
        await pay("pm_card_visa", key="order-1")
    assert (await pay("pm_card_visa", key="order-1")).status == "succeeded"


async def test_two_requests_at_once_with_one_key_conflict(
    stripe_http: httpx.AsyncClient, pay: Pay, client: Any
) -> None:
    """ERRORS: 409, the request conflicts with another, perhaps by using the same key."""
    refund = {"charge": (await pay("pm_card_visa")).latest_charge}
    await stripe_http.post("/_control/faults", json={"kind": "delay", "seconds": 1})

    async def refund_it() -> int:
        answer = await stripe_http.post(
            "/v1/refunds", data=refund, headers={"Idempotency-Key": "refund-1"}
        )
        return answer.status_code

    assert sorted(await asyncio.gather(refund_it(), refund_it())) == [200, 409]
    assert await refund_it() == 200
    assert len((await client.v1.refunds.list_async()).data) == 1


async def test_keys_have_up_to_255_characters(pay: Pay) -> None:
    """IDEMPOTENCY: idempotency keys are up to 255 characters long."""
    assert (await pay("pm_card_visa", key="k" * 255)).status == "succeeded"
    with pytest.raises(stripe.IdempotencyError):
        await pay("pm_card_visa", key="k" * 256)


async def test_what_is_over_cannot_be_cancelled(client: Any, pay: Pay) -> None:
    """CANCEL: an error if it is already canceled or isn't in a cancelable state."""
    intents = client.v1.payment_intents
    waiting = await pay("pm_card_threeDSecure2Required")
    cancelled = await intents.cancel_async(waiting.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    for over in (waiting, await pay("pm_card_visa")):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await intents.cancel_async(over.id)
        assert told(refused).code == "payment_intent_unexpected_state"


async def test_after_cancelling_no_charge_is_made(client: Any, pay: Pay) -> None:
    """CANCEL: after it's canceled, any operations on the PaymentIntent fail with an error."""
    waiting = await pay("pm_card_threeDSecure2Required")
    await client.v1.payment_intents.cancel_async(waiting.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.confirm_async(
            waiting.id, {"payment_method": "pm_card_visa"}
        )
    assert told(refused).code == "payment_intent_unexpected_state"
    assert (await client.v1.charges.list_async()).data == []


async def test_a_charge_is_refunded_in_parts_but_never_more_than_was_paid(
    client: Any, pay: Pay
) -> None:
    """REFUND: parts until all is refunded; more than is left raises an error."""
    refunds = client.v1.refunds
    intent = await pay("pm_card_visa")
    part = await refunds.create_async({"payment_intent": intent.id, "amount": 500})
    assert (part.status, part.amount, part.charge) == ("succeeded", 500, intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await refunds.create_async({"payment_intent": intent.id, "amount": 1501})
    rest = await refunds.create_async({"charge": intent.latest_charge})
    assert rest.amount == 1500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await refunds.create_async({"payment_intent": intent.id})
    assert told(refused).code == "charge_already_refunded"
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (2000, True)


async def test_lists_are_newest_first_and_paged_by_cursor(client: Any, pay: Pay) -> None:
    """PAGINATION: reverse chronological order, a limit of 1 to 100, starting_after a given one."""
    made = [(await pay("pm_card_visa", amount=1000 + number)).id for number in range(5)]
    intents = client.v1.payment_intents
    first = await intents.list_async({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2:-1], True)
    after = await intents.list_async({"limit": 3, "starting_after": made[3]})
    assert ([one.id for one in after.data], after.has_more) == (made[2::-1], False)
    before = await intents.list_async({"limit": 1, "ending_before": made[1]})
    assert ([one.id for one in before.data], before.has_more) == ([made[2]], True)
    with pytest.raises(stripe.InvalidRequestError):
        await intents.list_async({"limit": 101})
    everything = [one.id async for one in first.auto_paging_iter()]
    assert everything == made[::-1]


async def test_every_answer_has_a_request_id(client: Any, pay: Pay) -> None:
    """REQUEST_IDS: every API request has an identifier, in the header Request-Id."""
    intent = await pay("pm_card_visa")
    assert intent.last_response.request_id.startswith("req_")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.retrieve_async("pi_nonesuch")
    assert told(refused).request_id.startswith("req_")


async def test_requests_without_a_valid_key_are_401(
    stripe_url: str, connect: Callable[..., Any]
) -> None:
    """AUTHENTICATION: requests without authentication fail, and so does a made-up key."""
    async with connect(stripe_url, "rubbish") as client:
        with pytest.raises(stripe.AuthenticationError) as refused:
            await client.v1.payment_intents.list_async()
        assert told(refused).http_status == 401
    async with httpx.AsyncClient(base_url=stripe_url) as http:
        answer = await http.get("/v1/payment_intents")
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_the_key_may_come_by_basic_auth(stripe_url: str) -> None:
    """AUTHENTICATION: the API key is the basic auth username, without a password."""
    async with httpx.AsyncClient(base_url=stripe_url, auth=("sk_test_one", "")) as http:
        assert (await http.get("/v1/payment_intents")).status_code == 200


async def test_metadata_comes_back_and_is_copied_to_the_charge(client: Any, pay: Pay) -> None:
    """METADATA: key-value pairs, copied from a PaymentIntent to the charges it makes."""
    intent = await pay("pm_card_visa", metadata={"order": "665", "buyer": "a&b=c"})
    assert intent.metadata.to_dict() == {"order": "665", "buyer": "a&b=c"}
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert charge.metadata.to_dict() == {"order": "665", "buyer": "a&b=c"}
    with pytest.raises(stripe.InvalidRequestError):
        await pay("pm_card_visa", metadata={"order": "x" * 501})


async def test_ids_in_an_answer_can_be_expanded(client: Any, pay: Pay) -> None:
    """EXPANDING: expand turns an id into its object, in lists through data."""
    intent = await pay("pm_card_visa", expand=["latest_charge"])
    assert intent.latest_charge.amount == 2000
    listed = await client.v1.charges.list_async(
        {"payment_intent": intent.id, "expand": ["data.payment_intent.payment_method"]}
    )
    assert listed.data[0].payment_intent.payment_method.card.last4 == "4242"


async def test_an_unknown_parameter_is_refused(stripe_http: httpx.AsyncClient) -> None:
    """ERROR_CODES: parameter_unknown, the request contains unexpected parameters."""
    answer = await stripe_http.post("/v1/payment_intents", data={"amuont": "2000"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("parameter_unknown", "amuont")


async def test_an_intent_is_made_with_a_token_and_confirmed_later(client: Any) -> None:
    """CONFIRM: without confirm the intent waits; confirming it tries the payment method it has."""
    made = await client.v1.payment_intents.create_async(
        {
            "amount": 4950,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "payment_method_data": {"type": "card", "card": {"token": "tok_visa"}},
            "receipt_email": "ann@example.com",
        },
        options={"idempotency_key": "order-1"},
    )
    assert (made.status, made.latest_charge) == ("requires_confirmation", None)
    for _ in range(2):
        paid = await client.v1.payment_intents.confirm_async(
            made.id, {"use_stripe_sdk": True}, options={"idempotency_key": "order-1-confirm"}
        )
        assert (paid.status, paid.payment_method) == ("succeeded", made.payment_method)
    charge = await client.v1.charges.retrieve_async(paid.latest_charge)
    assert charge.receipt_email == "ann@example.com"
    assert len((await client.v1.charges.list_async()).data) == 1


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        ("ORDER 1A2B3C", None),
        ("12345678", "at least one Latin character"),
        ("ORDER <1>", "cannot include <"),
        ("ORDER*1", "cannot include [*]"),
        ("TICKET \N{CYRILLIC CAPITAL LETTER A}", "only Latin characters"),
        ("ORDER 1A2B3C4D", "at most 22 characters"),
    ],
)
async def test_a_statement_says_prefix_and_suffix_in_up_to_22_characters(
    client: Any, pay: Pay, suffix: str, said: str | None
) -> None:
    """DESCRIPTORS: the concatenation of prefix, `* ` and suffix obeys the requirements."""
    if said is None:
        paid = await pay("pm_card_visa", statement_descriptor_suffix=suffix)
        charge = await client.v1.charges.retrieve_async(paid.latest_charge)
        assert charge.calculated_statement_descriptor == f"TICKETS* {suffix}"
    else:
        with pytest.raises(stripe.InvalidRequestError, match=said) as refused:
            await pay("pm_card_visa", statement_descriptor_suffix=suffix)
        assert told(refused).param == "statement_descriptor_suffix"


async def test_a_charge_shows_its_refunds_only_where_they_are_asked_for(
    client: Any, pay: Pay
) -> None:
    """CHARGE: `refunds` is expandable, and is not included by default."""
    intent = await pay("pm_card_visa")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
    look = client.v1.payment_intents.retrieve_async
    plain = (await look(intent.id, {"expand": ["latest_charge"]})).latest_charge
    assert (plain.amount_refunded, plain.refunded, plain.disputed) == (500, False, False)
    assert "refunds" not in plain
    whole = (await look(intent.id, {"expand": ["latest_charge.refunds"]})).latest_charge
    assert [one.id for one in whole.refunds.data] == [refund.id]


@pytest.mark.parametrize("paid_with", ["pm_card_pendingRefund", "tok_pendingRefund"])
async def test_a_refund_can_be_pending_and_succeed_later(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, paid_with: str
) -> None:
    """TESTING: with this card a refund begins as pending, and refund.updated tells its success."""
    intent = await pay(paid_with)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    await stripe_http.post(f"/_control/refunds/{refund.id}")
    assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    (told_of,) = (await client.v1.events.list_async({"type": "refund.updated"})).data
    assert told_of.data.object["status"] == "succeeded"
    assert told_of.data.previous_attributes["status"] == "pending"


@pytest.mark.parametrize("paid_with", ["pm_card_refundFail", "tok_refundFail"])
async def test_a_refund_can_fail_after_it_succeeded_and_the_money_is_ours_again(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, paid_with: str
) -> None:
    """TESTING: with this card a refund appears to succeed, then fails, told by refund.failed."""
    intent = await pay(paid_with)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    await stripe_http.post(f"/_control/refunds/{refund.id}")
    failed = await client.v1.refunds.retrieve_async(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    (told_of,) = (await client.v1.events.list_async({"type": "refund.failed"})).data
    assert told_of.data.object["id"] == refund.id
    again = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert again.id != refund.id


async def test_what_is_pending_counts_as_refunded(client: Any, pay: Pay) -> None:
    """REFUNDS: you can't refund a total greater than the original charge amount."""
    intent = await pay("pm_card_pendingRefund")
    await client.v1.refunds.create_async({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert told(refused).code == "charge_already_refunded"


async def test_a_refund_keeps_its_reason_and_metadata_and_is_listed(client: Any, pay: Pay) -> None:
    """REFUND: duplicate, fraudulent or requested_by_customer, and metadata of one's own."""
    intent = await pay("pm_card_visa")
    wanted: Any = {
        "payment_intent": intent.id,
        "reason": "requested_by_customer",
        "metadata": {"order": "665"},
    }
    made = await client.v1.refunds.create_async(wanted, options={"idempotency_key": "refund-1"})
    again = await client.v1.refunds.create_async(wanted, options={"idempotency_key": "refund-1"})
    (listed,) = (await client.v1.refunds.list_async({"payment_intent": intent.id})).data
    assert made.id == again.id == listed.id
    assert (listed.reason, listed.metadata["order"]) == ("requested_by_customer", "665")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({**wanted, "reason": "regret"})
    assert told(refused).param == "reason"


@pytest.mark.parametrize(
    ("paid_with", "reason"),
    [
        ("pm_card_createDispute", "fraudulent"),
        ("tok_createDispute", "fraudulent"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received"),
    ],
)
async def test_a_disputed_charge_is_told_of_and_cannot_be_refunded(
    client: Any, pay: Pay, paid_with: str, reason: str
) -> None:
    """ERROR_CODES: charge_disputed, the charge that you attempt to refund was charged back."""
    intent = await pay(paid_with, expand=["latest_charge"])
    assert (intent.status, intent.latest_charge.disputed) == ("succeeded", True)
    (dispute,) = (await client.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert (dispute.status, dispute.reason) == ("needs_response", reason)
    assert (dispute.amount, dispute.charge) == (2000, intent.latest_charge.id)
    assert (await client.v1.disputes.retrieve_async(dispute.id)).id == dispute.id
    (told_of,) = (await client.v1.events.list_async({"type": "charge.dispute.created"})).data
    assert told_of.data.object["id"] == dispute.id
    with pytest.raises(stripe.InvalidRequestError, match="charged back") as refused:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert told(refused).code == "charge_disputed"


async def test_a_refused_refund_stays_refused_under_its_key(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    """IDEMPOTENCY: the result is saved regardless of whether it succeeds or fails."""
    intent = await pay("pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async()).data

    async def refund(key: str) -> Any:
        return await client.v1.refunds.create_async(
            {"payment_intent": intent.id}, options={"idempotency_key": key}
        )

    for outcome in (None, "won"):
        if outcome:
            data = {"outcome": outcome}
            await stripe_http.post(f"/_control/disputes/{dispute.id}", data=data)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await refund("refund-1")
        assert told(refused).code == "charge_disputed"
    assert (await refund("refund-2")).status == "succeeded"


async def test_an_inquiry_moves_no_money_and_can_be_refunded(client: Any, pay: Pay) -> None:
    """DISPUTE: an inquiry is warning_needs_response, and is_charge_refundable tells the rest."""
    intent = await pay("pm_card_createDisputeInquiry")
    (dispute,) = (await client.v1.disputes.list_async()).data
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    withdrawn = await client.v1.events.list_async({"type": "charge.dispute.funds_withdrawn"})
    assert withdrawn.data == []
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "succeeded"


@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_a_dispute_is_won_or_lost_once(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, outcome: str
) -> None:
    """DISPUTES: the bank decides, and a dispute that is won returns the money."""
    await pay("pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async()).data
    closed = await stripe_http.post(f"/_control/disputes/{dispute.id}", data={"outcome": outcome})
    assert closed.json()["status"] == outcome
    types = [event.type for event in (await client.v1.events.list_async({"limit": 2})).data]
    assert types[0] == "charge.dispute.closed"
    assert ("charge.dispute.funds_reinstated" in types) == (outcome == "won")
    again = await stripe_http.post(f"/_control/disputes/{dispute.id}", data={"outcome": outcome})
    assert again.status_code == 400


async def test_events_are_listed_by_type_and_page_by_page(client: Any, pay: Pay) -> None:
    """EVENTS: by `type`, in which * is a wildcard, or by up to 20 `types`, but not by both."""
    for _ in range(2):
        await pay("pm_card_visa")
    every = client.v1.events.list_async

    async def types(**asked: Any) -> list[str]:
        return [event.type async for event in (await every(asked)).auto_paging_iter()]

    assert await types(type="charge.succeeded") == ["charge.succeeded"] * 2
    assert (
        await types(type="payment_intent.*", limit=1)
        == [
            "payment_intent.succeeded",
            "payment_intent.created",
        ]
        * 2
    )
    both = ["payment_intent.created", "charge.succeeded"]
    assert await types(types=both, limit=1) == both[::-1] * 2
    assert await types(types=["charge.refunded"]) == []
    for wrong in ({"types": both, "type": "charge.*"}, {"types": ["a"] * 21}):
        with pytest.raises(stripe.InvalidRequestError):
            await every(wrong)


async def test_events_are_listed_by_time_and_by_cursor(client: Any, pay: Pay) -> None:
    """EVENTS: `created` takes gt, gte, lt and lte; a cursor tells the page."""
    await pay("pm_card_visa")
    every = client.v1.events.list_async
    newest, middle, oldest = (await every()).data
    then = newest.created
    assert len((await every({"created": {"gte": oldest.created, "lte": then}})).data) == 3
    assert (await every({"created": {"gt": then}})).data == []
    assert (await every({"created": {"lt": oldest.created}})).data == []
    after = await every({"starting_after": newest.id, "limit": 1})
    assert ([event.id for event in after.data], after.has_more) == ([middle.id], True)
    before = await every({"ending_before": middle.id})
    assert [event.id for event in before.data] == [newest.id]


async def test_a_key_is_forgotten_after_a_day(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    """IDEMPOTENCY: keys can be removed after 24 hours; a key reused then makes a new request."""
    first = await pay("pm_card_visa", key="order-1")
    await stripe_http.post("/_control/idempotency_keys/age", json={"hours": 23})
    assert (await pay("pm_card_visa", key="order-1")).id == first.id
    await stripe_http.post("/_control/idempotency_keys/age", json={"hours": 1})
    second = await pay("pm_card_visa", key="order-1")
    assert second.id != first.id
    assert (await pay("pm_card_visa", key="order-1")).id == second.id
