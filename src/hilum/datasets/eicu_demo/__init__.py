"""Raw tables of the open eICU demo, in part."""
