"""Image series (cine MRI): typed sample, readers, views, optical flow, warping, simulator."""
