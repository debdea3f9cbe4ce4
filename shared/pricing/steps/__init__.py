"""The steps of pricing, one file each, in the order the pipeline calls them."""
