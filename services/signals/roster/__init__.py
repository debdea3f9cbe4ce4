"""All customers as one list: who is at risk, silent, up for renewal, and who comes first."""
