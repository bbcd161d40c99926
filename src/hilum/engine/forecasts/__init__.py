"""Forecasts: streaming a record, choosing settings on its past, and proving that nothing looked ahead."""
