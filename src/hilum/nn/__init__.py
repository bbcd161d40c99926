"""What two or more models share: kernels, layers, losses, optimisers."""
