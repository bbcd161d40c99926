"""Frame forecasting in cine MRI by a principal-component motion model (arXiv 2410.05882)."""
