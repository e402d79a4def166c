"""Errors of payments' routes and of its command."""

from ticketing_common.errors import BadRequest, Conflict, RateLimited, ServiceError, Unavailable


class OrderAlreadyCancelled(BadRequest):
    """The order is cancelled, so it cannot be paid."""

    code = "order_cancelled"
    message = "Cannot pay for a cancelled order"


class OrderAlreadyPaid(BadRequest):
    """The order is paid."""

    code = "order_paid"
    message = "The order is paid already"


class OrderExpired(BadRequest):
    """The time to pay the order is over."""

    code = "order_expired"
    message = "The order has expired"


class PaymentInProgress(Conflict):
    """Another payment for the same order is in progress. Read its status before trying again."""

    code = "payment_in_progress"
    message = "A payment for this order is in progress. Try again in a moment."


class PaymentDeclined(ServiceError):
    """The card was declined, with a message for the buyer. Another card can pay the order."""

    status = 402
    code = "payment_declined"
    message = "Your card was declined."


class TooManyAttempts(RateLimited):
    """There were too many attempts to pay the order. It ends unpaid; then order again."""

    code = "too_many_attempts"
    message = "There were too many attempts to pay this order. Order again once it has ended."


class InvalidToken(BadRequest):
    """Stripe does not accept the token or payment method."""

    code = "invalid_token"
    message = "Your card could not be read. Enter it again or use another card."


class PaymentRefused(BadRequest):
    """Stripe refused the payment for another reason than the card. Nothing was charged."""

    code = "payment_failed"
    message = "The payment could not be made. You were not charged."


class ChargeRefunded(BadRequest):
    """The order was cancelled during the payment. The charge is refunded in full."""

    code = "payment_refunded"
    message = "Your payment is refunded"


class PaymentUnknown(Unavailable):
    """Stripe's answer is missing. The service finds it out; do not pay again before that."""

    code = "payment_unknown"
    message = "The bank has not answered yet. Do not pay again. Check your order in a minute."

    def __init__(self) -> None:
        super().__init__(retry_after=30)


class InvalidSignature(BadRequest):
    """The webhook's signature does not match its body, or is older than five minutes."""

    code = "invalid_signature"
    message = "The signature does not match the body"


class NotRefundable(BadRequest):
    """The order has no payment that can be refunded. Only the command returns this."""

    code = "not_refundable"
    message = "Cannot refund this order"
