"""Methods that others use, written from their published formulas to be compared with; no detector of ours uses them."""
