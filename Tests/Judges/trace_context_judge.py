"""What OpenTelemetry's own propagator makes of `traceparent` headers, one a line: trace, parent and whether it is sampled,
or `none`."""

import sys

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

propagator = TraceContextTextMapPropagator()
for line in sys.stdin.buffer.read().decode("ascii").split("\n")[:-1]:
    span = trace.get_current_span(propagator.extract({"traceparent": line})).get_span_context()
    if not span.is_valid:
        print("none")
        continue
    sampled = "sampled" if span.trace_flags & trace.TraceFlags.SAMPLED else "unsampled"
    print(trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id), sampled)
