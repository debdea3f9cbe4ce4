"""What a process's consumers and its relay tell Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter(
    "u2c_consumer_records_total", "Records consumed, by what became of them", ("group", "topic", "outcome")
)
REFUSED = Counter(
    "u2c_consumer_batches_refused_total",
    "Batches refused by the compare-and-set: another consumer was first",
    ("group", "topic"),
)
BATCH_RECORDS = Histogram(
    "u2c_consumer_batch_records",
    "Records in one consumer transaction",
    ("group", "topic"),
    buckets=(1, 10, 50, 100, 500, 1000, 2000, 5000, 10_000),
)
BATCH_SECONDS = Histogram(
    "u2c_consumer_batch_seconds",
    "Seconds of one consumer transaction, commit included",
    ("group", "topic"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LAG = Gauge(
    "u2c_consumer_lag_records", "Records on the bus that the group has not consumed", ("group", "topic")
)
OUTBOX_DEPTH = Gauge("u2c_outbox_depth_rows", "Outbox rows not yet on the bus", ("service",))
OUTBOX_AGE = Gauge("u2c_outbox_age_seconds", "Age of the oldest outbox row not yet on the bus", ("service",))
OUTBOX_REFUSED = Gauge(
    "u2c_outbox_refused_rows", "Outbox rows the bus refuses, set aside until it takes them", ("service",)
)
RELAYED = Counter("u2c_outbox_relayed_total", "Outbox rows put on the bus", ("service",))
