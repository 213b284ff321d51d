"""What deserves an auditor's look: rules over the entries of the log, in the order of the tree."""
