"""Energy above the convex hull: signed, against a frozen set of entries."""
