"""Uploads from end to end: the deployed template, the functions' binaries, and nothing but HTTP on the client's side."""
