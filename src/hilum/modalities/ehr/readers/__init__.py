"""One file a layout: from the tables as they are distributed to stays and events."""
