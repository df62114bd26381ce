"""The site: formulas, the graph, the explorer's numbers, the questions, and all of it in a browser."""
