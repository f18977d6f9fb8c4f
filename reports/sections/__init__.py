"""The sections of the pages: data in, headings, sentences, charts and tables out."""
