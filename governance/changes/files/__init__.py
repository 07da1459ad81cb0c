"""Who has access as a file: written, edited by people, and compared with what is known.

One line for each person on each app, owners included. The file speaks of the apps that it names:
whoever is on one of them and has no line any more is to be removed, a new line is an invitation,
another role a change of role. An app without any line is left alone.
"""

from governance.changes.files.comparing import difference
from governance.changes.files.reading import File, Line, NotSuchAFile, read
from governance.changes.files.writing import COLUMNS, foot, rows

__all__ = ["COLUMNS", "File", "Line", "NotSuchAFile", "difference", "foot", "read", "rows"]
