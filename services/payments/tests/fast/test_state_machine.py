"""The state machine: every status, every answer of Stripe, and only declared transitions."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stripe import PaymentIntent

from payments.domain.state_machine import (
    IN_PROGRESS,
    TRANSITIONS,
    Intent,
    Refunds,
    Step,
    next_status,
    next_step,
)
from ticketing_common.events import PaymentStatus

AMOUNT = 2500
INTENT_STATUSES = [
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "canceled",
    "succeeded",
]

cents = st.integers(0, AMOUNT)
refunds = st.none() | st.builds(Refunds, cents, cents, st.integers(0, 3))
intents = st.builds(
    Intent, id=st.just("pi_1"), status=st.sampled_from(INTENT_STATUSES), refunds=refunds
)
statuses = st.sampled_from(PaymentStatus)


def test_state_machine_covers_every_intent_status_of_stripe() -> None:
    assert set(get_args(get_args(PaymentIntent.__annotations__["status"])[0])) == set(
        INTENT_STATUSES
    )


@settings(deadline=None)
@given(statuses, intents)
def test_next_status_follows_only_declared_transitions(
    status: PaymentStatus, intent: Intent
) -> None:
    after = next_status(status, intent, amount=AMOUNT)
    assert after == status or after in TRANSITIONS[status]


@settings(deadline=None)
@given(statuses, intents)
def test_next_status_ignores_repeated_answers(status: PaymentStatus, intent: Intent) -> None:
    once = next_status(status, intent, amount=AMOUNT)
    # One answer can lead from failed to succeeded to refunded, which are two transitions.
    twice = next_status(once, intent, amount=AMOUNT)
    assert next_status(twice, intent, amount=AMOUNT) == twice


@settings(deadline=None)
@given(st.sampled_from(sorted(IN_PROGRESS)), st.sampled_from(INTENT_STATUSES))
def test_next_status_is_failed_only_if_the_intent_can_never_charge(
    status: PaymentStatus, intent_status: str
) -> None:
    if next_status(status, Intent("pi_1", intent_status), amount=AMOUNT) == PaymentStatus.FAILED:
        # An intent that requires a payment method can still be charged with its client secret;
        # nobody has the secret while the payment is only started.
        never_charges = {"canceled"} | (
            {"requires_payment_method"} if status == PaymentStatus.STARTED else set()
        )
        assert intent_status in never_charges


@settings(deadline=None)
@given(statuses, intents, st.booleans(), st.integers(1, 3))
def test_next_step_confirms_only_wanted_payments(
    status: PaymentStatus, intent: Intent, is_payable: bool, refund_attempt: int
) -> None:
    step = next_step(
        status, intent, amount=AMOUNT, is_payable=is_payable, refund_attempt=refund_attempt
    )
    if step == Step.CONFIRM:
        assert is_payable
        assert status in IN_PROGRESS
    if step == Step.CANCEL:
        assert status in IN_PROGRESS
        assert intent.status not in ("succeeded", "canceled")


@settings(deadline=None)
@given(intents, st.booleans(), st.integers(1, 3))
def test_next_step_refunds_no_more_than_was_paid(
    intent: Intent, is_payable: bool, refund_attempt: int
) -> None:
    step = next_step(
        PaymentStatus.REFUND_PENDING,
        intent,
        amount=AMOUNT,
        is_payable=is_payable,
        refund_attempt=refund_attempt,
    )
    if step == Step.REFUND:
        assert intent.refunds is not None
        assert intent.refunds.succeeded + intent.refunds.pending < AMOUNT


@pytest.mark.parametrize("status", sorted(IN_PROGRESS))
@pytest.mark.parametrize("intent_status", INTENT_STATUSES)
def test_next_step_ends_unwanted_payments(status: PaymentStatus, intent_status: str) -> None:
    """Either the payment has ended already, or it is cancelled at Stripe."""
    intent = Intent("pi_1", intent_status)
    after = next_status(status, intent, amount=AMOUNT)
    has_ended = after in (PaymentStatus.FAILED, PaymentStatus.SUCCEEDED)
    step = next_step(status, intent, amount=AMOUNT, is_payable=False, refund_attempt=1)
    assert has_ended or step == Step.CANCEL or intent_status == "requires_capture"


def test_next_step_repeats_a_returned_refund_only_for_the_next_refund_attempt() -> None:
    returned = Intent("pi_1", "succeeded", refunds=Refunds(failed_count=1))
    pending = PaymentStatus.REFUND_PENDING
    assert next_status(PaymentStatus.REFUNDED, returned, amount=AMOUNT) == pending
    first = next_step(pending, returned, amount=AMOUNT, is_payable=False, refund_attempt=1)
    assert first == Step.NOTHING
    second = next_step(pending, returned, amount=AMOUNT, is_payable=False, refund_attempt=2)
    assert second == Step.REFUND


def test_next_step_refunds_the_rest_of_a_partial_refund() -> None:
    partial = Intent("pi_1", "succeeded", refunds=Refunds(succeeded=1000))
    assert next_status(PaymentStatus.SUCCEEDED, partial, amount=AMOUNT) == PaymentStatus.SUCCEEDED
    step = next_step(
        PaymentStatus.REFUND_PENDING, partial, amount=AMOUNT, is_payable=False, refund_attempt=1
    )
    assert step == Step.REFUND


def test_next_status_keeps_refunds_after_a_late_success() -> None:
    """A late `payment_intent.succeeded` has no data about refunds."""
    late = Intent("pi_1", "succeeded")
    for status in (PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_PENDING, PaymentStatus.REFUNDED):
        assert next_status(status, late, amount=AMOUNT) == status
