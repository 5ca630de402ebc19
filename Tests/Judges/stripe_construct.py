"""Takes a webhook of ours by the official SDK: python stripe_construct.py SECRET

Reads one JSON object: `signature`, the header, and `body`, the text as it came."""

import json
import sys

import stripe

delivery = json.load(sys.stdin)
event = stripe.Webhook.construct_event(delivery["body"], delivery["signature"], sys.argv[1])
print(f"ok {event.id} {event.type}")
