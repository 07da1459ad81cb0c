"""Finding text inside names, quickly, without an extension of the database.

`text_pieces` (a function made by a migration) cuts text into its runs of three letters, and an
ordinary GIN index holds them: whatever contains "billing" contains "bil", "ill", … and "ing". The
index finds the few that do, and the text itself decides. Shorter words look at every row.
"""

from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, F, Func, Q, TextField, Value
from django.db.models.functions import Coalesce, Lower, NullIf

SHORTEST = 3
LONGEST = 100


class Joined(Func):
    """Two columns as one text: `a || ' ' || b`. Django's own wraps each in a COALESCE."""

    template = "(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class Pieces(Func):
    """The runs of three letters in a text, in lower case."""

    function = "text_pieces"
    output_field = ArrayField(TextField())


# What a person is found by, and what they are sorted by.
PERSON_TEXT = Joined(F("username"), F("email"))
PERSON_NAME = Lower(
    Coalesce(NullIf("username", Value(""), output_field=CharField()), "email"),
    output_field=CharField(),
)


def containing(text: str) -> Q:
    """The people whose name or address contains `text`, whatever its case.

    For querysets annotated with `text` (`PERSON_TEXT`) and `pieces` (its `Pieces`).
    """
    found = Q(text__contains=text.lower())
    if len(text) >= SHORTEST:
        found = Q(pieces__contains=Pieces(Value(text))) & found
    return found


def like(text: str) -> str:
    """A pattern for SQL's LIKE that matches what contains `text`, in lower case."""
    plain = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"
