"""Which trials an experiment needs: what a reproduction declares, and the ways to plan an experiment."""
