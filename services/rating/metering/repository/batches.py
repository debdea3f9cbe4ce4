"""SQL of stretches of batches."""


def is_in(stretches: str, row: str) -> str:
    """SQL: whether the batch of a row of events or voids is in stretches, which are written as jsonb."""
    return batch_is_in(stretches, f"{row}.partition", f"{row}.batch_id")


def batch_is_in(stretches: str, partition: str, batch_id: str) -> str:
    """SQL: the same of a batch: {"partition": [[after, up to or null], …]}."""
    return f"""exists (select from jsonb_array_elements({stretches} -> ({partition})::text) stretch
        where {batch_id} > (stretch ->> 0)::bigint
            and ((stretch ->> 1) is null or {batch_id} <= (stretch ->> 1)::bigint))"""
