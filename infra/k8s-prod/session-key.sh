#!/bin/sh
# Print a new key of sessions as the two variables: the private key for auth, the public one for all services.
set -eu

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

pem=$(openssl genpkey -algorithm ed25519)
# The raw keys are the last 32 bytes of their encodings (RFC 8410).
d=$(printf '%s\n' "$pem" | openssl pkey -outform DER | tail -c 32 | base64url)
x=$(printf '%s\n' "$pem" | openssl pkey -pubout -outform DER | tail -c 32 | base64url)
printf 'JWT_PRIVATE_KEY={"kty":"OKP","crv":"Ed25519","x":"%s","d":"%s"}\n' "$x" "$d"
printf 'JWT_PUBLIC_KEYS={"keys":[{"kty":"OKP","crv":"Ed25519","x":"%s"}]}\n' "$x"
