"""One label a file, from measurements on the clock of a stay."""
