"""OPTIMADE 1.2 over the open database: https://www.optimade.org, doi:10.1038/s41597-021-00974-z."""
