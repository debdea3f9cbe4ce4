"""The HTTP edge every service shares: problems, API keys, limits, paging, metrics. It translates; it holds no
business rule."""
