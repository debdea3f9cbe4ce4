"""Facts: what became true, told once on signals.signals and to every webhook endpoint that asked;
acknowledged, snoozed, and what came of it."""
