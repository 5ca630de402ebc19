"""Reads a scrape with the parser of Prometheus' own client: metrics and samples in their order, one a line."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

text = sys.stdin.buffer.read().decode("utf-8")
for family in text_string_to_metric_families(text):
    print(family.type, family.name, json.dumps(family.documentation))
    for sample in family.samples:
        print(" ", sample.name, json.dumps(sample.labels, sort_keys=True), sample.value)
