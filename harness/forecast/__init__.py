"""What is worth running next: what trials cost, and what decides or says most for that cost."""
