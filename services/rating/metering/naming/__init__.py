"""Named values: what contracts price by name counts as itself, whether there is room or not; what was named
late is counted again."""
