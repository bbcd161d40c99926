"""One runner a task kind: how a cell of that kind is computed."""
