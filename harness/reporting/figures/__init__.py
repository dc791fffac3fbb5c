"""Drawings of effects, curves, timelines and pictures, as SVG that depends on records alone."""
