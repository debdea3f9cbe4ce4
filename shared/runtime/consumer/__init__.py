"""Runs a service's subscriptions: one transaction a batch, exactly once. Services import what they need of it
from here.

| file | what it is |
|---|---|
| `batch` | what a handler is given and answers; which handler takes which topic |
| `runner` | the loop: poll, hand on, wait out, stop |
| `flight` | the runs being handled: in order within a partition, the next round polled meanwhile |
| `transaction` | position, effects, dead letters and batch row, committed together |
| `blame` | which message a fault is blamed on |
| `backoff` | waiting and trying again |
| `lag` | how far the group is behind |
"""

from shared.runtime.consumer.batch import Batch, BatchCounts, ConsumerContext, Handler, Refuse, Subscribe
from shared.runtime.consumer.runner import Consumer
from shared.runtime.consumer.transaction import ConsumerStopped

__all__ = [
    "Batch",
    "BatchCounts",
    "Consumer",
    "ConsumerContext",
    "ConsumerStopped",
    "Handler",
    "Refuse",
    "Subscribe",
]
