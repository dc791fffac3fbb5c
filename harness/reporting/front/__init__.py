"""The report's first screen: the results in a few sentences, the records behind them, and one plot."""
