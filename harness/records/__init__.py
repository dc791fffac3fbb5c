"""What trials leave behind: records, their keys, and the folder that keeps them."""
