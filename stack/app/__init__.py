"""The product under load: API, web pages, background jobs."""
