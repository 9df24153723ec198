"""Compares a host of the old services with one of the new services, using requests that change nothing."""
