"""Tables, texts, figures and pages for readers; no result is computed here."""
