"""Models, one file each (or a folder where an extra is needed)."""
