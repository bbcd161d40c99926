"""Hospital records: raw tables to events, events to an hourly grid, the grid to cohorts with their attrition."""
