"""Films of one's own: a series of images, one recording a file or folder."""
