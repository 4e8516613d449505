"""The database of a challenge: one schema for SQLite and PostgreSQL."""
