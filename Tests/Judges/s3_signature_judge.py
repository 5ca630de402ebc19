"""Signs again with botocore what was signed by us, and compares. Reads a JSON list of requests from standard input."""
import json
import sys
from urllib.parse import parse_qsl, urlsplit, urlunsplit, urlencode, quote

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SECRET = "secret/with+signs"


def by_header(case):
    headers = {name.lower(): value for name, value in case["headers"]}
    parts = dict(part.strip().split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
    scope = parts["Credential"].split("/")
    signed = {name: value for name, value in headers.items() if name in parts["SignedHeaders"].split(";")}
    signer = S3SigV4Auth(Credentials(scope[0], SECRET, case.get("token")), scope[3], scope[2])
    request = AWSRequest(method=case["method"], url=case["url"], data=case["body"].encode(), headers=signed)
    request.context["timestamp"] = headers["x-amz-date"]
    canonical = signer.canonical_request(request)
    return signer.signature(signer.string_to_sign(request, canonical), request), parts["Signature"]


def by_query(case):
    url = urlsplit(case["url"])
    pairs = parse_qsl(url.query, keep_blank_values=True)
    query = dict(pairs)
    scope = query["X-Amz-Credential"].split("/")
    unsigned = urlencode([pair for pair in pairs if pair[0] != "X-Amz-Signature"], quote_via=quote, safe="")
    signer = S3SigV4QueryAuth(Credentials(scope[0], SECRET, case.get("token")), scope[3], scope[2])
    request = AWSRequest(method=case["method"], url=urlunsplit(url._replace(query=unsigned)), headers={})
    request.context["timestamp"] = query["X-Amz-Date"]
    canonical = signer.canonical_request(request)
    return signer.signature(signer.string_to_sign(request, canonical), request), query["X-Amz-Signature"]


cases = json.load(sys.stdin)
for case in cases:
    wanted, given = by_query(case) if "X-Amz-Signature" in case["url"] else by_header(case)
    if wanted != given:
        sys.exit(f"{case['method']} {case['url']}: botocore signs {wanted}, not {given}")
print(f"{len(cases)} signatures agree")
