"""The state machine: every state, whatever Stripe says, and nothing but drawn transitions."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stripe import PaymentIntent

from payments.domain.state_machine import (
    TRANSITIONS,
    UNDER_WAY,
    Intent,
    Refunds,
    Step,
    next_step,
    stands,
)
from ticketing_common.events.payments import PaymentStatus

S = PaymentStatus
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


def test_every_status_that_stripe_has_is_thought_of() -> None:
    assert set(get_args(get_args(PaymentIntent.__annotations__["status"])[0])) == set(
        INTENT_STATUSES
    )


@settings(deadline=None)
@given(statuses, intents)
def test_a_payment_goes_only_where_a_transition_leads(status: S, intent: Intent) -> None:
    after = stands(status, intent, amount=AMOUNT)
    assert after == status or after in TRANSITIONS[status]


@settings(deadline=None)
@given(statuses, intents)
def test_the_same_news_twice_changes_nothing_the_second_time(status: S, intent: Intent) -> None:
    once = stands(status, intent, amount=AMOUNT)
    # From failed to succeeded to refunded is one piece of news that is two steps.
    twice = stands(once, intent, amount=AMOUNT)
    assert stands(twice, intent, amount=AMOUNT) == twice


@settings(deadline=None)
@given(st.sampled_from(sorted(UNDER_WAY)), st.sampled_from(INTENT_STATUSES))
def test_a_payment_is_failed_only_where_it_can_never_charge(status: S, intent_status: str) -> None:
    if stands(status, Intent("pi_1", intent_status), amount=AMOUNT) == S.FAILED:
        # One that wants another card could still charge, by the hand of whoever has its secret;
        # nobody has while the payment is only started.
        never_charges = {"canceled"} | (
            {"requires_payment_method"} if status == S.STARTED else set()
        )
        assert intent_status in never_charges


@settings(deadline=None)
@given(statuses, intents, st.booleans(), st.integers(1, 3))
def test_the_bank_is_asked_only_for_an_order_that_can_still_be_had(
    status: S, intent: Intent, wanted: bool, refund: int
) -> None:
    step = next_step(status, intent, amount=AMOUNT, wanted=wanted, refund=refund)
    if step == Step.CONFIRM:
        assert wanted
        assert status in UNDER_WAY
    if step == Step.CANCEL:
        assert status in UNDER_WAY
        assert intent.status not in ("succeeded", "canceled")


@settings(deadline=None)
@given(intents, st.booleans(), st.integers(1, 3))
def test_no_more_is_given_back_than_was_paid(intent: Intent, wanted: bool, refund: int) -> None:
    step = next_step(S.REFUND_PENDING, intent, amount=AMOUNT, wanted=wanted, refund=refund)
    if step == Step.REFUND:
        assert intent.refunds is not None
        assert intent.refunds.done + intent.refunds.pending < AMOUNT


@pytest.mark.parametrize("status", sorted(UNDER_WAY))
@pytest.mark.parametrize("intent_status", INTENT_STATUSES)
def test_whatever_is_unwanted_ends(status: S, intent_status: str) -> None:
    """Either it has an end already, or Stripe is asked to cancel it."""
    intent = Intent("pi_1", intent_status)
    ended = stands(status, intent, amount=AMOUNT) in (S.FAILED, S.SUCCEEDED)
    step = next_step(status, intent, amount=AMOUNT, wanted=False, refund=1)
    assert ended or step == Step.CANCEL or intent_status == "requires_capture"


def test_a_refund_that_came_back_is_repeated_only_when_an_operator_says_so() -> None:
    sent_back = Intent("pi_1", "succeeded", refunds=Refunds(failed=1))
    asked = {"amount": AMOUNT, "wanted": False}
    assert stands(S.REFUNDED, sent_back, amount=AMOUNT) == S.REFUND_PENDING
    assert next_step(S.REFUND_PENDING, sent_back, refund=1, **asked) == Step.NOTHING  # type: ignore[arg-type]
    assert next_step(S.REFUND_PENDING, sent_back, refund=2, **asked) == Step.REFUND  # type: ignore[arg-type]


def test_a_part_that_was_given_back_by_hand_leaves_the_rest_to_give_back() -> None:
    part = Intent("pi_1", "succeeded", refunds=Refunds(done=1000))
    assert stands(S.SUCCEEDED, part, amount=AMOUNT) == S.SUCCEEDED
    step = next_step(S.REFUND_PENDING, part, amount=AMOUNT, wanted=False, refund=1)
    assert step == Step.REFUND


def test_news_from_before_a_refund_undo_no_refund() -> None:
    """A late `payment_intent.succeeded` says nothing of refunds."""
    late = Intent("pi_1", "succeeded")
    for status in (S.SUCCEEDED, S.REFUND_PENDING, S.REFUNDED):
        assert stands(status, late, amount=AMOUNT) == status
