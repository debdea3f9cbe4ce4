"""The stages of pricing, one file each, in the order the pipeline calls them. A stage takes what the one before handed
over, and hands over more; what it has no terms for passes through untouched."""
