#!/bin/sh
# Makes the Secrets that the prod overlay refers to, once: what is there already is left alone.
#
#     STRIPE_KEY=sk_live_... STRIPE_WEBHOOK_SECRET=whsec_... SENDGRID_KEY=SG... \
#         SENDGRID_EMAIL=tickets@example.com ./secrets.sh
#
# Passwords begin with a letter: NATS would take one of digits alone for a number.
set -eu
: "${STRIPE_KEY:?}" "${STRIPE_WEBHOOK_SECRET:?}" "${SENDGRID_KEY:?}" "${SENDGRID_EMAIL:?}"

random() { printf 'p%s' "$(openssl rand -hex 24)"; }

secret() { # name, then KEY=value ...
    name=$1
    shift
    if kubectl -n ticketing get secret "$name" >/dev/null 2>&1; then
        echo "$name is there already"
        return
    fi
    # From a file, as others can see what a command is told.
    printf '%s\n' "$@" | kubectl -n ticketing create secret generic "$name" --from-env-file=/dev/stdin
}

secret jwt-secret "JWT_KEY=$(openssl rand -base64 48)"
secret stripe-secret "STRIPE_KEY=$STRIPE_KEY" "STRIPE_WEBHOOK_SECRET=$STRIPE_WEBHOOK_SECRET"
secret sendgrid-secret "SENDGRID_KEY=$SENDGRID_KEY"
secret sendgrid-email "SENDGRID_EMAIL=$SENDGRID_EMAIL"
secret redis-secret "REDIS_PASSWORD=$(random)"
secret nats-users \
    "NATS_OPERATOR_PASSWORD=$(random)" "NATS_CLUSTER_PASSWORD=$(random)" \
    "NATS_AUTH_PASSWORD=$(random)" "NATS_TICKETS_PASSWORD=$(random)" \
    "NATS_ORDERS_PASSWORD=$(random)" "NATS_PAYMENTS_PASSWORD=$(random)" \
    "NATS_EXPIRATION_PASSWORD=$(random)" "NATS_CONTACT_PASSWORD=$(random)"
for service in auth tickets orders payments contact; do
    secret "$service-mongo" "keyfile=$(openssl rand -base64 96 | tr -d '\n=')" \
        "ROOT_PASSWORD=$(random)" "PASSWORD=$(random)" "BACKUP_PASSWORD=$(random)"
done
