"""The open database as files that outlive it: Parquet segments, with cards, hashes and licences."""
