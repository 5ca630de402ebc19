"""Signs with the official SDK what comes in, as Stripe signs its webhooks: python stripe_sign.py SECRET [SECONDS]

Prints the header for the bytes of the standard input; SECONDS is the time of signing, now unless given."""

import sys
import time

import stripe

body = sys.stdin.buffer.read().decode()
when = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
print(stripe.WebhookSignature.generate_signature_header(body, sys.argv[1], timestamp=when), end="")
