"""What records histories of the replicated register."""
