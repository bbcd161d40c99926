"""Tables: one row a record, features as columns. What every reader of tables returns, and what is fitted on them."""
