"""Task kinds, one file each: what one prediction record is, and the contract of the models that make it."""
