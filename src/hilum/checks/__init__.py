"""Checks, one file each: a coded audit that reads stored evidence only and prints its proof."""
