"""Verifies webhooks our sandbox sent by the official SDK: python stripe_webhook_judge.py SECRET

Reads one JSON object a line: `signature`, the header, and `body`, the text as it came."""

import json
import sys

import stripe
import stripe_shapes

deliveries = [json.loads(line) for line in sys.stdin]
secret = sys.argv[1]
if not deliveries:
    sys.exit("FAILED: no webhook came")
types = set()
for delivery in deliveries:
    event = stripe.Webhook.construct_event(delivery["body"], delivery["signature"], secret)
    types.add(event.type)
    faults = stripe_shapes.check(json.loads(delivery["body"]))
    if faults:
        sys.exit(f"FAILED {event.type}: {faults[:5]}")
    for body, key in ((delivery["body"] + " ", secret), (delivery["body"], secret + "x")):
        try:
            stripe.Webhook.construct_event(body, delivery["signature"], key)
        except stripe.SignatureVerificationError:
            continue
        sys.exit("FAILED: a forged webhook was taken")
wanted = {
    "customer.created", "payment_method.attached", "payment_intent.created", "payment_intent.succeeded",
    "payment_intent.payment_failed", "payment_intent.requires_action", "payment_intent.canceled", "refund.created",
    "charge.refunded", "refund.failed", "setup_intent.succeeded", "setup_intent.setup_failed",
    "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
    "charge.dispute.closed", "payment_method.automatically_updated", "customer.deleted",
}
if wanted - types:
    sys.exit(f"FAILED: no {sorted(wanted - types)}")
print(f"ok {len(deliveries)} webhooks verified, {len(types)} types")
