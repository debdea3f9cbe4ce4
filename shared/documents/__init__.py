"""Documents that people write, as YAML or JSON: read strictly, by one reader, into plain values."""
