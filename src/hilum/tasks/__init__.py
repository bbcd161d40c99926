"""Tasks, one file each: what is asked, in seconds and millimetres, never by column."""
