"""What things are: identifiers, frozen nouns, the wire messages and the store."""
