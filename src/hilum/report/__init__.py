"""What does it mean? Terminal, Markdown and one self-contained HTML file, from the run folder alone."""
