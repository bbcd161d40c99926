"""External chest and abdomen markers of breathing volunteers."""
