"""Questions about the inventory whose answer is more than one filter.

Each takes the person who asks, and answers over what that person may see. What a page needs comes
back in as few round trips as it can: a page of this product costs at most six queries in all.

    totals.py    how many are shown and of how many, and what a list can be narrowed to
    newest.py    what such an answer rests on; and answers kept until it moves
    tallies.py   how many people or apps, by role and by status
    people.py    the list of people; one person and where they are
    tree.py      project → app → people; branches.py: the people of the open ones
    wanted.py    which apps and people of the tree, as conditions
    history.py   what changed, with who did it
    asof.py      who was where at an instant, and how far that is known
"""
