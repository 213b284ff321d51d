"""The only code that knows MongoDB. Everything else asks it in the words of the domain."""
