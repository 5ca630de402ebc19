"""Uses the official Stripe SDK as a client of our sandbox: python stripe_sdk_judge.py http://127.0.0.1:PORT

Every answer is checked against the SDK's response classes as it passes by. Exits 1 at the first broken promise."""

import base64
import json
import sys
import urllib.error
import urllib.request
import uuid

import stripe
import stripe_shapes

BASE = sys.argv[1]
KEY = "sk_test_judge"
shape_faults = []


class CheckingClient(stripe.UrllibClient):
    """The SDK's client by the standard library; it sees each answer's bytes before the SDK makes objects of them."""

    def request(self, method, url, headers, post_data=None, **rest):
        body, status, response_headers = super().request(method, url, headers, post_data, **rest)
        for fault in stripe_shapes.check(json.loads(body)):
            shape_faults.append(f"{method} {url}: {fault}")
        if "request-id" not in {name.lower() for name in response_headers}:
            shape_faults.append(f"{method} {url}: no Request-Id")
        return body, status, response_headers


def passed(name):
    print(f"ok {name}", flush=True)


def expect(condition, name, detail=""):
    if not condition:
        sys.exit(f"FAILED {name} {detail}")
    passed(name)


def expect_error(kind, call, name):
    try:
        call()
    except kind as error:
        passed(name)
        return error
    except Exception as error:  # another kind of error is the failure to report
        sys.exit(f"FAILED {name}: {type(error).__name__}: {error}")
    sys.exit(f"FAILED {name}: no error")


def raw(method, path, form="", headers=None, key=KEY):
    """A request past the SDK, for what the SDK would not send. Answers status, headers, body."""
    request = urllib.request.Request(BASE + path, method=method, data=form.encode() if form else None)
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def customer_with(client, card):
    customer = client.v1.customers.create({"email": "books@customer.example", "name": "Customer"})
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    return customer.id, method.id


def off_session(client, customer, method, amount=29900, options=None, **more):
    form = {
        "amount": amount, "currency": "usd", "customer": customer, "payment_method": method, "off_session": True,
        "confirm": True, "allowed_payment_method_types": ["card"], "metadata": {"attempt_id": str(uuid.uuid4())}, **more,
    }
    return client.v1.payment_intents.create(form, options or {})


def judge_customers(client):
    customer, method = customer_with(client, "pm_card_visa")
    found = client.v1.customers.retrieve(customer, {"expand": ["invoice_settings.default_payment_method"]})
    expect(found.invoice_settings.default_payment_method.id == method, "a default payment method is kept and expands")
    expect(found.invoice_settings.default_payment_method.card.last4 == "4242", "a published method is the card it says")
    client.v1.customers.update(customer, {"metadata": {"a": "1", "b": "2"}})
    found = client.v1.customers.update(customer, {"metadata": {"a": ""}, "name": ""})
    expect(found.metadata.to_dict() == {"b": "2"} and found.name is None, "an empty text unsets")
    listed = client.v1.payment_methods.list({"customer": customer, "type": "card"})
    expect([m.id for m in listed.data] == [method], "methods are listed by customer")
    client.v1.payment_methods.detach(method)
    expect(
        client.v1.customers.retrieve(customer).invoice_settings.default_payment_method is None,
        "a detached method is nobody's default")
    made = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    expect(made.card.brand == "mastercard" and made.customer is None, "a method is made of a test token")
    expect(client.v1.payment_methods.retrieve(made.id).id == made.id, "a method is found again")
    expect_error(
        stripe.InvalidRequestError, lambda: client.v1.customers.create({"email": "nonsense"}), "no address is refused")


def judge_charges(client):
    customer, method = customer_with(client, "pm_card_visa")
    intent = off_session(client, customer, method, expand=["latest_charge"])
    expect(intent.status == "succeeded" and intent.amount_received == 29900, "an off-session charge succeeds")
    expect(intent.latest_charge.paid and intent.latest_charge.payment_intent == intent.id, "its charge expands")
    expect(client.v1.charges.retrieve(intent.latest_charge.id).amount == 29900, "its charge is found")
    expect(client.v1.payment_intents.retrieve(intent.id).status == "succeeded", "its intent is found")
    two_steps = client.v1.payment_intents.create({"amount": 500, "currency": "eur", "customer": customer})
    expect(two_steps.status == "requires_payment_method", "an intent without method waits for one")
    two_steps = client.v1.payment_intents.confirm(two_steps.id, {"payment_method": method, "off_session": True})
    expect(two_steps.status == "succeeded" and two_steps.currency == "eur", "an intent is confirmed later")
    expect_error(
        stripe.InvalidRequestError, lambda: client.v1.payment_intents.cancel(two_steps.id), "what is paid stays paid")
    waiting = client.v1.payment_intents.create({"amount": 500, "currency": "usd", "payment_method": "pm_card_visa"})
    expect(waiting.status == "requires_confirmation", "an intent with method waits for confirmation")
    cancelled = client.v1.payment_intents.cancel(waiting.id, {"cancellation_reason": "abandoned"})
    expect(cancelled.status == "canceled" and cancelled.canceled_at, "an unpaid intent is cancelled")


def judge_declines(client):
    table = [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data"),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline", "try_again_later"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required", None),
    ]
    for card, code, decline_code, advice in table:
        customer, method = customer_with(client, card)
        error = expect_error(stripe.CardError, lambda: off_session(client, customer, method), f"{card} is declined")
        body = error.json_body["error"]
        expect((error.http_status, error.code) == (402, code), f"{card}: 402 {code}", error.code)
        expect(body.get("decline_code") == decline_code, f"{card}: {decline_code}", str(body.get("decline_code")))
        expect(body.get("advice_code") == advice, f"{card}: advice {advice}")
        intent = client.v1.payment_intents.retrieve(body["payment_intent"]["id"])
        expect(intent.status == "requires_payment_method", f"{card}: the intent waits for another method")
        expect(intent.payment_method is None, f"{card}: the intent has let go of the card")
        expect(intent.last_payment_error.payment_method.id == method, f"{card}: the error remembers the card")
        expect(client.v1.charges.retrieve(body["charge"]).status == "failed", f"{card}: the failed charge stands")
    again = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "off_session": True})
    expect(again.status == "succeeded" and again.last_payment_error is None, "a declined intent is paid by another card")


def judge_authentication(client):
    customer, method = customer_with(client, "pm_card_authenticationRequired")
    form = {
        "amount": 700, "currency": "usd", "customer": customer, "payment_method": method, "confirm": True,
        "return_url": "https://app.seller.example/back",
    }
    asked = client.v1.payment_intents.create(form)
    expect(asked.status == "requires_action", "on-session the customer is asked")
    expect(asked.next_action.type == "redirect_to_url", "and sent where the bank asks")
    raw("POST", f"/_sandbox/payment_intents/{asked.id}/authenticate")
    expect(client.v1.payment_intents.retrieve(asked.id).status == "succeeded", "who answers, pays")
    refused = client.v1.payment_intents.create(form)
    raw("POST", f"/_sandbox/payment_intents/{refused.id}/refuse")
    error = client.v1.payment_intents.retrieve(refused.id).last_payment_error
    expect(error.code == "payment_intent_authentication_failure", "who refuses, does not")
    expect_error(
        stripe.CardError, lambda: client.v1.payment_intents.create({**form, "error_on_requires_action": True}),
        "a server that cannot ask gets an error")


def judge_idempotency(client):
    customer, method = customer_with(client, "pm_card_visa")
    key = str(uuid.uuid4())
    form = f"amount=1200&currency=usd&customer={customer}&payment_method={method}&off_session=true&confirm=true"
    first = raw("POST", "/v1/payment_intents", form, {"Idempotency-Key": key})
    again = raw("POST", "/v1/payment_intents", form, {"Idempotency-Key": key})
    expect(first[0] == again[0] == 200 and first[2] == again[2], "the same key and parameters give the same answer")
    expect(first[1]["Idempotent-Replayed"] is None, "the first is no replay")
    expect(again[1]["Idempotent-Replayed"] == "true", "the second says it is one")
    shuffled = "&".join(reversed(form.split("&")))
    expect(
        raw("POST", "/v1/payment_intents", shuffled, {"Idempotency-Key": key})[2] == first[2],
        "the order of parameters does not matter")
    options = {"idempotency_key": key}
    error = expect_error(
        stripe.IdempotencyError, lambda: off_session(client, customer, method, amount=1300, options=options),
        "the same key with other parameters is refused")
    expect(error.http_status == 400, "with 400")
    declined = str(uuid.uuid4())
    method = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer}).id
    form = f"amount=1200&currency=usd&customer={customer}&payment_method={method}&off_session=true&confirm=true"
    first = raw("POST", "/v1/payment_intents", form, {"Idempotency-Key": declined})
    again = raw("POST", "/v1/payment_intents", form, {"Idempotency-Key": declined})
    expect(first[0] == again[0] == 402 and first[2] == again[2], "a decline is replayed, too")
    invalid = str(uuid.uuid4())
    first = raw("POST", "/v1/payment_intents", "currency=usd", {"Idempotency-Key": invalid})
    expect(first[0] == 400 and first[2]["error"]["param"] == "amount", "a missing parameter is named")
    again = raw("POST", "/v1/payment_intents", "amount=900&currency=usd", {"Idempotency-Key": invalid})
    expect(again[0] == 200, "a refused request does not use up its key")


def judge_refunds(client):
    customer, method = customer_with(client, "pm_card_mastercard")
    intent = off_session(client, customer, method, amount=1999)
    part = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"})
    expect(part.status == "succeeded" and part.amount == 500, "a part is refunded")
    error = expect_error(
        stripe.InvalidRequestError, lambda: client.v1.refunds.create({"payment_intent": intent.id, "amount": 1500}),
        "more than is left is refused")
    expect(error.http_status == 400, "with 400")
    rest = client.v1.refunds.create({"charge": intent.latest_charge})
    expect(rest.amount == 1499, "without amount the rest is refunded")
    error = expect_error(
        stripe.InvalidRequestError, lambda: client.v1.refunds.create({"payment_intent": intent.id}),
        "what is refunded is refunded")
    expect(error.code == "charge_already_refunded", "and says so")
    expect(client.v1.charges.retrieve(intent.latest_charge).refunded, "the charge knows")
    expect(client.v1.refunds.retrieve(part.id).amount == 500, "a refund is found")
    expect(len(client.v1.refunds.list({"payment_intent": intent.id}).data) == 2, "refunds are listed by intent")


def judge_setups(client):
    customer = client.v1.customers.create({"email": "books@customer.example"}).id
    form = {"customer": customer, "usage": "off_session", "allowed_payment_method_types": ["card"]}
    intent = client.v1.setup_intents.create(form)
    expect(intent.status == "requires_payment_method" and intent.client_secret, "a set-up waits for a card")
    saved = client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    expect(saved.status == "succeeded", "a set-up succeeds")
    owner = client.v1.payment_methods.retrieve(saved.payment_method).customer
    expect(owner == customer, "its card is the customer's")
    charged = off_session(client, customer, saved.payment_method)
    expect(charged.status == "succeeded", "and is charged while the customer is away")
    error = expect_error(
        stripe.CardError,
        lambda: client.v1.setup_intents.create({**form, "confirm": True, "payment_method": "pm_card_chargeDeclined"}),
        "a declined card is not saved")
    expect(error.json_body["error"]["setup_intent"]["last_setup_error"]["code"] == "card_declined", "and says why")
    asked = client.v1.setup_intents.create(
        {**form, "confirm": True, "payment_method": "pm_card_authenticationRequired"})
    expect(asked.status == "requires_action" and asked.next_action, "a bank may ask first")
    raw("POST", f"/_sandbox/setup_intents/{asked.id}/authenticate")
    expect(client.v1.setup_intents.retrieve(asked.id).status == "succeeded", "who answers has saved it")
    expect(
        client.v1.setup_intents.cancel(client.v1.setup_intents.create(form).id).status == "canceled",
        "a set-up is cancelled")


def judge_money_back(client):
    customer, method = customer_with(client, "pm_card_visa")
    intent = off_session(client, customer, method, amount=5000)
    part = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    raw("POST", f"/_sandbox/refunds/{part.id}/fail")
    failed = client.v1.refunds.retrieve(part.id)
    expect((failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card"), "a refund fails days later")
    expect(client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0, "and its charge knows")
    opened = raw("POST", "/_sandbox/disputes", f"payment_intent={intent.id}&reason=duplicate")[2]
    found = client.v1.disputes.list({"payment_intent": intent.id}).data
    expect([d.id for d in found] == [opened["id"]] and found[0].amount == 5000, "a dispute is listed by intent")
    expect(client.v1.disputes.retrieve(opened["id"]).status == "needs_response", "and waits for an answer")
    raw("POST", f"/_sandbox/disputes/{opened['id']}/won")
    expect(client.v1.disputes.retrieve(opened["id"]).status == "won", "and is won")
    raw("POST", f"/_sandbox/payment_methods/{method}/renew")
    expect(client.v1.payment_methods.retrieve(method).id == method, "a card is renewed behind its id")
    expect(client.v1.customers.delete(customer).deleted, "a customer is deleted")
    expect(client.v1.customers.retrieve(customer).deleted, "and stays so")
    expect(client.v1.payment_methods.retrieve(method).customer is None, "without its methods")


def judge_lists(client):
    customer, method = customer_with(client, "pm_card_visa")
    made = [off_session(client, customer, method, amount=100 + i).id for i in range(25)]
    first = client.v1.payment_intents.list({"customer": customer})
    expect([i.id for i in first.data] == made[::-1][:10] and first.has_more, "a page is ten, newest first")
    walked = [i.id for i in client.v1.payment_intents.list({"customer": customer, "limit": 7}).auto_paging_iter()]
    expect(walked == made[::-1], "auto-paging walks all of them once")
    back = client.v1.payment_intents.list({"customer": customer, "ending_before": made[10], "limit": 3})
    expect([i.id for i in back.data] == [made[13], made[12], made[11]] and back.has_more, "pages run backwards")
    since = first.data[0].created + 1000
    expect(
        not client.v1.payment_intents.list({"customer": customer, "created": {"gte": since}}).data,
        "created bounds the list")
    expanded = client.v1.payment_intents.list({"customer": customer, "limit": 2, "expand": ["data.latest_charge"]})
    expect(all(i.latest_charge.paid for i in expanded.data), "a list expands its members")
    expect(len(client.v1.charges.list({"customer": customer, "limit": 100}).data) == 25, "charges are listed")
    events = client.v1.events.list({"type": "payment_intent.succeeded", "limit": 100})
    expect(events.data[0].data.object["id"] == made[-1], "events are listed by type, newest first")
    expect(client.v1.events.retrieve(events.data[0].id).type == "payment_intent.succeeded", "an event is found")


def judge_refusals(client):
    for name, call in [
        ("intent", lambda: client.v1.payment_intents.retrieve("pi_nobody")),
        ("id", lambda: client.v1.customers.retrieve("cus_nobody")),
        ("customer", lambda: client.v1.payment_intents.create({"amount": 99, "currency": "usd", "customer": "cus_x"})),
    ]:
        error = expect_error(stripe.InvalidRequestError, call, f"an unknown {name} is refused")
        expect((error.http_status, error.code) == (404, "resource_missing"), f"an unknown {name} is 404", error.code)
    error = expect_error(
        stripe.InvalidRequestError, lambda: client.v1.customers.create({"surprise": "1"}), "a surprise is refused")
    expect((error.param, error.code) == ("surprise", "parameter_unknown"), "and named")
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    expect(raw("GET", "/v1/customers", headers={"Authorization": f"Basic {basic}"}, key=None)[0] == 200, "Basic works")
    expect(raw("GET", "/v1/customers", key=None)[0] == 401, "no key is 401")
    expect(raw("GET", "/v1/customers", key="nonsense")[0] == 401, "nonsense is 401")
    status, _, body = raw("GET", "/v1/customers", key="sk_live_never")
    expect(status == 401 and "live" in body["error"]["message"], "a live key is refused, and told why")
    expect(raw("GET", "/v1/customers", headers={"Stripe-Version": "soon"})[0] == 400, "a version must be one")
    expect(raw("GET", "/v1/rockets")[0] == 404, "an unknown path is 404")
    expect_error(
        stripe.AuthenticationError,
        lambda: stripe.StripeClient("sk_live_never", base_addresses={"api": BASE}).v1.customers.list(), "also by the SDK")


def main():
    stripe_shapes.self_test()
    # No repetitions by the SDK: each answer is judged as it comes.
    client = stripe.StripeClient(
        KEY, base_addresses={"api": BASE}, http_client=CheckingClient(), max_network_retries=0)
    for judge in (
        judge_customers, judge_charges, judge_declines, judge_authentication, judge_idempotency, judge_refunds,
        judge_setups, judge_money_back, judge_lists, judge_refusals,
    ):
        judge(client)
    client.v1.events.list({"limit": 100})
    if shape_faults:
        sys.exit("FAILED shapes:\n" + "\n".join(sorted(set(shape_faults))[:40]))
    passed("every answer has the shape the SDK declares")


main()
