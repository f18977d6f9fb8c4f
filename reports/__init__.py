"""What a run means, for people and for machines: the page, the index, JUnit, Markdown and the last lines."""
