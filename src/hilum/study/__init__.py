"""Studies of one's own: a table, the columns that matter, some models, and what they are meant for."""
