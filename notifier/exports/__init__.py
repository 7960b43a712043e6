"""The list in the form that other platforms take: credit platform, credit bureau, social credit files (policies A11, B12, B31)."""
