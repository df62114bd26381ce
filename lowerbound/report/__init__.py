"""Tables, texts, figures and pages for readers. Only `site.explorer_data` computes results, for the explorer."""
