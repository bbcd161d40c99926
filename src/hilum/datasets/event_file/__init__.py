"""Events of one's own."""
