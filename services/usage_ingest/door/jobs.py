"""When requests refused as a whole are told as receipts: once a second."""

from services.usage_ingest.door.usecases.count_refusals import tell_refusals
from shared.runtime.jobs import Job

EVERY_S = 1.0
JOBS = (Job("refusals", EVERY_S, tell_refusals),)
