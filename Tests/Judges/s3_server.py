"""An S3 that checks who signs. Prints its port, then access and secret key, and ends with standard input.

The first requests are let through unsigned: they make a user, its key and a bucket.
"""
import json
import os
import sys
import threading

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"

import boto3  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.port}"
unsigned = dict(
    endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
iam = boto3.client("iam", **unsigned)
iam.create_user(UserName="worker")
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="worker", PolicyName="all", PolicyDocument=json.dumps(allow))
key = iam.create_access_key(UserName="worker")["AccessKey"]
boto3.client("s3", **unsigned).create_bucket(Bucket="documents")
print(server.port, flush=True)
print(key["AccessKeyId"], key["SecretAccessKey"], flush=True)
sys.stdin.read()
