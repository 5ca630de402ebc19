"""Checks JSON of our Stripe sandbox against the response classes of the official SDK: missing members, wrong types,
nulls where none may be. Members the SDK does not know are faults too: somebody would come to rely on them."""

import inspect
import sys
import types
import typing
from typing import Any, Literal, Union, get_args, get_origin

import stripe
from stripe._stripe_object import StripeObject, UntypedStripeObject


class _Names(dict):
    """Names the SDK imports for type checkers only are resolved from the package, or taken as anything."""

    def __missing__(self, name):
        return getattr(stripe, name, Any)


def _hints(cls):
    found = {}
    for base in reversed(cls.__mro__):
        module = sys.modules.get(base.__module__)
        if not issubclass(base, StripeObject) or module is None or module.__name__ == "stripe._stripe_object":
            continue
        names = _Names({**vars(typing), **vars(module), **vars(base), "ExpandableField": Union})
        for name, hint in base.__annotations__.items():
            if name.startswith("_") or name == "OBJECT_NAME" or get_origin(hint) is typing.ClassVar:
                continue
            if isinstance(hint, str):
                try:
                    hint = eval(hint, {"__builtins__": {}}, names)  # noqa: S307 - the SDK's own annotations
                except Exception:
                    hint = Any
            found[name] = hint
    return found


def _resolve(hint):
    if isinstance(hint, typing.ForwardRef):
        return getattr(stripe, hint.__forward_arg__, Any)
    return hint


def faults(value, hint, path):
    """Every way in which `value` is not what `hint` says, each with its path."""
    hint = _resolve(hint)
    origin = get_origin(hint)
    if hint is Any or isinstance(hint, str):
        return []
    if origin is Union or origin is types.UnionType:
        if value is None:
            return [] if type(None) in get_args(hint) else [f"{path}: null"]
        found = [faults(value, part, path) for part in get_args(hint) if part is not type(None)]
        return min(found, key=len) if found else []
    if origin is Literal:
        return [] if value in get_args(hint) else [f"{path}: {value!r} is none of the known values"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [fault for i, part in enumerate(value) for fault in faults(part, get_args(hint)[0], f"{path}[{i}]")]
    if origin is dict or origin is UntypedStripeObject or hint is UntypedStripeObject:
        return [] if isinstance(value, dict) else [f"{path}: not an object"]
    if inspect.isclass(hint) and issubclass(hint, StripeObject):
        return _object_faults(value, hint, path)
    if hint is int:
        return [] if isinstance(value, int) and not isinstance(value, bool) else [f"{path}: {value!r} is no integer"]
    if hint in (str, bool):
        return [] if isinstance(value, hint) else [f"{path}: {value!r} is no {hint.__name__}"]
    if hint is float:
        return [] if isinstance(value, (int, float)) else [f"{path}: {value!r} is no number"]
    return []


def _object_faults(value, cls, path):
    if not isinstance(value, dict):
        return [f"{path}: not an object"]
    hints = _hints(cls)
    if not hints:
        return []
    found = [f"{path}.{name}: unknown to the SDK" for name in value if name not in hints and name != "object"]
    for name, hint in hints.items():
        if name in value:
            found += faults(value[name], hint, f"{path}.{name}")
        elif type(None) not in get_args(hint) and hint is not Any:
            found.append(f"{path}.{name}: missing")
    return found


CLASSES = {
    "customer": stripe.Customer,
    "payment_method": stripe.PaymentMethod,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "setup_intent": stripe.SetupIntent,
    "event": stripe.Event,
}


def check(value):
    """Faults of an answer: an object, a list of objects, or an error with objects in it."""
    if value.get("object") == "list":
        found = [] if set(value) == {"object", "data", "has_more", "url"} else [f"list: members {sorted(value)}"]
        return found + [fault for part in value["data"] for fault in check(part)]
    if "error" in value:
        error = value["error"]
        found = [f"error.{name}: missing" for name in ("type", "message") if name not in error]
        for name in ("payment_intent", "payment_method", "setup_intent"):
            if name in error:
                found += check(error[name])
        return found
    if value.get("deleted"):
        return [] if set(value) == {"id", "object", "deleted"} else [f"deleted: members {sorted(value)}"]
    found = faults(value, CLASSES[value["object"]], value["object"])
    if value["object"] == "event":
        found += check(value["data"]["object"])
    return found


def self_test():
    """A checker that finds nothing is worth nothing: a broken object must be found broken."""
    broken = {"object": "refund", "id": "re_1", "amount": "12", "currency": None, "surprise": 1}
    found = " ".join(check(broken))
    for expected in ("refund.amount", "refund.currency: None", "refund.created: missing", "refund.surprise: unknown"):
        if expected not in found:
            sys.exit(f"the checker is blind to {expected}: {found}")
