"""The pages of Stripe's documentation that the tests refer to."""

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
