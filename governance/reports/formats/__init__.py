"""A report as a file, each format from the same statement in the same snapshot.

text.py     CSV, written by the database
sheet.py    XLSX
plain.py    JSON
print.py    PDF
neutral.py  text of others, made harmless in a table
"""
