"""Tables, texts, figures and pages for readers. Only the data of the explorer, in `site`, are computed here."""
