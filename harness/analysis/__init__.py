"""Measurements of networks that other trials trained: each a program that needs no training of its own."""
