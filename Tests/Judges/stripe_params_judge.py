"""Judges requests by the parameter types of Stripe's own library: unknown, missing and mistyped parameters are faults.

Reads lines `METHOD PATH FORM` and prints one line for each fault; the exit status is 0 if there is none.
"""
import inspect
import re
import sys
import types
import typing
from typing import Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import stripe
import stripe.params
import typing_extensions
from stripe._request_options import RequestOptions

ROUTES = [
    ("POST", r"/v1/customers", "CustomerCreateParams"),
    ("POST", r"/v1/customers/[^/]+", "CustomerModifyParams"),
    ("POST", r"/v1/payment_methods/[^/]+/attach", "PaymentMethodAttachParams"),
    ("POST", r"/v1/payment_intents", "PaymentIntentCreateParams"),
    ("GET", r"/v1/payment_intents", "PaymentIntentListParams"),
]
REQUIRED = (typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
OPTIONAL = (typing.NotRequired, typing_extensions.NotRequired)


def fields(typed_dict):
    names = {**vars(typing), **vars(typing_extensions), **vars(inspect.getmodule(typed_dict))}
    names |= {"StripeContext": object, "HttpClientOptions": object}
    hints = get_type_hints(typed_dict, globalns=names, include_extras=True)
    return {name: hint for name, hint in hints.items() if name not in RequestOptions.__annotations__}


def faults(value, hint, path):
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in REQUIRED:
        return faults(value, arguments[0], path)
    if origin in (Union, types.UnionType):
        return min((faults(value, each, path) for each in arguments), key=len)
    if origin is Literal:
        return [] if value in arguments else [f"{path}: {value!r} is none of {arguments[:5]}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [fault for each in value for fault in faults(each, arguments[0], f"{path}[]")]
    if origin is dict:
        return [] if isinstance(value, dict) else [f"{path}: not a map"]
    if typing_extensions.is_typeddict(hint):
        return object_faults(value, hint, path)
    if isinstance(value, (dict, list)):
        return [f"{path}: not a plain value"]
    if hint is int:
        return [] if re.fullmatch(r"-?\d+", value) else [f"{path}: {value!r} is no whole number"]
    if hint is bool:
        return [] if value in ("true", "false") else [f"{path}: {value!r} is neither true nor false"]
    return []


def object_faults(value, hint, path):
    if not isinstance(value, dict):
        return [f"{path}: not an object"]
    known = fields(hint)
    found = [f"{path}.{name}: unknown" for name in value if name not in known]
    for name, each in known.items():
        if name in value:
            found += faults(value[name], each, f"{path}.{name}")
        elif get_origin(each) not in OPTIONAL:
            found.append(f"{path}.{name}: missing")
    return found


def tree(form):
    """`a[b]=1&c[]=2` as {"a": {"b": "1"}, "c": ["2"]}."""
    root = {}
    for name, value in parse_qsl(form, keep_blank_values=True, strict_parsing=True):
        keys = re.findall(r"^[^\[]+|(?<=\[)[^\]]*(?=\])", name)
        place = root
        for key in keys[:-1] if keys[-1] else keys[:-2]:
            place = place.setdefault(key, {})
        if keys[-1]:
            assert keys[-1] not in place, f"{name} occurs twice"
            place[keys[-1]] = value
        else:
            place.setdefault(keys[-2], []).append(value)
    return root


def judge(line):
    method, path, form = line.rstrip("\n").split(" ")
    for verb, pattern, name in ROUTES:
        if verb == method and re.fullmatch(pattern, path):
            return faults(tree(form), getattr(stripe.params, name), f"{method} {path}")
    return [f"{method} {path}: not a call that is known here"]


# A judge that accepts everything would go unnoticed.
for wrong in ("amount=1.5&currency=usd", "currency=usd", "amount=1&currency=usd&nonsense=1"):
    assert judge(f"POST /v1/payment_intents {wrong}"), wrong
found = [fault for line in sys.stdin for fault in judge(line)]
print("\n".join(found))
sys.exit(1 if found else 0)
