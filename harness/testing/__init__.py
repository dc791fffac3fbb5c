"""What holds for every reproduction, as tests that any package can run on its own: see contract.py."""
