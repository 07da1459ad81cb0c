"""Inviting: planned, placed, told after the grace time, true when it was read."""

NEW = "new@acme.example"


def test_an_invitation_is_told_after_the_grace_time_and_true_when_it_was_read(company):
    batch = company.place(company.invitation(NEW, "billing-api")).batch
    assert company.states() == [("waiting", "")]
    company.tell(seconds=29)
    assert company.orders() == []

    company.tell(seconds=1)
    assert company.states() == [("told", "")]
    assert len(company.mails(NEW)) == 1

    company.sync()
    (change,) = company.changes()
    assert (change.state, change.person) == ("verified", company.person(NEW))
    assert change.verified_at > change.told_at
    assert ("billing-api", NEW, "limited", "pending") in company.known()
    assert company.steps(change) == ["placed", "telling", "told", "verified"]
    assert batch.reason == "Ticket 4711"
