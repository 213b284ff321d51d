"""Bots that write results into circles and read nothing."""
