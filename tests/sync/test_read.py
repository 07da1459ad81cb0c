"""What a sync reads is what the inventory holds."""

from governance.inventory.models import App


def test_it_reads_everybody_on_every_app(unread):
    run = unread.sync()

    assert run.state == "complete", unread.problems()
    assert unread.known() == unread.truth()
    assert set(App.objects.values_list("name", flat=True)) == {
        "billing-api",
        "billing-web",
        "vault-api",
        "other-api",
    }
