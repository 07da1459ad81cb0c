"""That something was written which is counted."""

from django.db import models


class Move(models.Model):
    """A number that is another one after each transaction that wrote. See `queries/newest.py`.

    Written by triggers alone.
    """

    id = models.BigAutoField(primary_key=True)
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.number)
