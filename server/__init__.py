"""What the relay may see and must remember; it never holds a key that opens a note."""
