"""From what is submitted to checked structures."""
