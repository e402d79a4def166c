#!/bin/sh
# Create the Secrets of the prod overlay. Existing Secrets stay unchanged.
#
#     STRIPE_KEY=sk_live_... STRIPE_WEBHOOK_SECRET=whsec_... SENDGRID_KEY=SG... \
#         SENDGRID_EMAIL=tickets@example.com ./secrets.sh
#
# Passwords start with a letter, because NATS parses a password of digits as a number.
set -eu
: "${STRIPE_KEY:?}" "${STRIPE_WEBHOOK_SECRET:?}" "${SENDGRID_KEY:?}" "${SENDGRID_EMAIL:?}"

random() { printf 'p%s' "$(openssl rand -hex 24)"; }

create_secret() { # NAME KEY=VALUE...
    name=$1
    shift
    if kubectl -n ticketing get secret "$name" >/dev/null 2>&1; then
        echo "$name already exists"
        return
    fi
    # Other users of the machine can read the arguments of a command, so the values go through stdin.
    printf '%s\n' "$@" | kubectl -n ticketing create secret generic "$name" --from-env-file=/dev/stdin
}

session_key=$("$(dirname "$0")/session-key.sh")
create_secret jwt-private-key "$(printf '%s\n' "$session_key" | grep '^JWT_PRIVATE_KEY=')"
create_secret jwt-public-keys "$(printf '%s\n' "$session_key" | grep '^JWT_PUBLIC_KEYS=')"
create_secret stripe-secret "STRIPE_KEY=$STRIPE_KEY" "STRIPE_WEBHOOK_SECRET=$STRIPE_WEBHOOK_SECRET"
create_secret sendgrid-secret "SENDGRID_KEY=$SENDGRID_KEY"
create_secret sendgrid-email "SENDGRID_EMAIL=$SENDGRID_EMAIL"
create_secret redis-secret "REDIS_PASSWORD=$(random)"
create_secret limits-redis-secret "LIMITS_REDIS_PASSWORD=$(random)"
create_secret nats-users \
    "NATS_OPERATOR_PASSWORD=$(random)" "NATS_CLUSTER_PASSWORD=$(random)" \
    "NATS_PROVISIONER_PASSWORD=$(random)" "NATS_AUDIT_PASSWORD=$(random)" \
    "NATS_AUTH_PASSWORD=$(random)" "NATS_TICKETS_PASSWORD=$(random)" \
    "NATS_ORDERS_PASSWORD=$(random)" "NATS_PAYMENTS_PASSWORD=$(random)" \
    "NATS_EXPIRATION_PASSWORD=$(random)" "NATS_CONTACT_PASSWORD=$(random)"
for service in auth tickets orders payments contact; do
    create_secret "$service-mongo" "keyfile=$(openssl rand -base64 96 | tr -d '\n=')" \
        "ROOT_PASSWORD=$(random)" "PASSWORD=$(random)" \
        "BACKUP_PASSWORD=$(random)" "AUDIT_PASSWORD=$(random)"
done
