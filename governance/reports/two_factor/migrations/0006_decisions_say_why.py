from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("two_factor", "0005_review_by_itself")]

    # Not valid: of those before it a decision may be without, and nothing of it is ever changed.
    operations = [
        AddConstraintNotValid(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("what", "remind"), models.Q(("note", ""), _negated=True), _connector="OR"
                ),
                name="decisions_say_why",
            ),
        ),
    ]
