"""The report's first screen: what was found in a few sentences, from which records, in one plot."""
