"""Measurements of networks trained by other trials; these programs train nothing themselves."""
