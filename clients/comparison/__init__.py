"""Compares a host of the old services with one of the new, by requests that change nothing."""
