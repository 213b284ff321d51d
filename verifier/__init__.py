"""The standalone verifier: one file, handed out with the bundles it checks."""
