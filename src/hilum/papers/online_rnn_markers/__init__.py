"""Online learning of recurrent networks for breathing motion, arXiv 2403.01607."""
