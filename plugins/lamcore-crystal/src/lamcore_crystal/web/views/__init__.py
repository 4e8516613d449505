"""What the native API answers, as plain values from a connection; no HTTP in here."""
