"""The report's first screen: the findings in a few sentences, the records behind them, and one plot."""
