"""Tables of measured figures: each function makes the text of one table in ACCURACY.md or README.md."""
