"""What is otherwise at one instant than at an earlier one, and who did it.

sql.py     the rows, as common tables: for the page here and for the register
rows.py    a page of them, with the totals that must balance
asked.py   what an address asks for
words.py   each row as a sentence
views.py   the page
"""
