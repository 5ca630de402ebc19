"""Lists every payment intent at a Stripe, or a stand-in, through the official SDK: stripe_charges_judge.py URL"""
import json
import sys

import stripe

client = stripe.StripeClient(
    "sk_test_judge", base_addresses={"api": sys.argv[1]}, http_client=stripe.UrllibClient())
intents = client.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
print(json.dumps([
    {
        "id": intent.id, "amount": intent.amount, "status": intent.status, "invoice": intent.metadata["invoice"],
        "attempt": intent.metadata["attempt_id"],
    }
    for intent in intents
]))
