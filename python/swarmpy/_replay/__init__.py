"""Runs written down, and run again: the file (`file`), the world that plays it (`world`), what differs
(`differences`), since when it was inevitable (`inevitable`).
"""
