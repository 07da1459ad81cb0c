"""A handful of people and apps with plain names: what most tests want."""

from .base import PARIS, SECNUM, Company


class Small(Company):
    """Two owners, one person of each role, and somebody outside.

    olivia@acme.example owns `billing-api`, `billing-web` and, at the other region, `vault-api`;
    fred (full) and lim (limited) work on the billing apps; oscar@other.example owns `other-api`,
    where olivia is a full collaborator; nobody invited outsider@nowhere.example to anything.
    """

    def found(self) -> None:
        super().found()
        world = self.world
        olivia = world.add_account(
            "olivia@acme.example", two_factor=True, with_token=True, role="owner", connect=True
        )
        fred = world.add_account(
            "fred@acme.example", two_factor=True, with_token=True, role="collaborator"
        )
        lim = world.add_account("lim@acme.example", with_token=True, role="limited")
        oscar = world.add_account("oscar@other.example", with_token=True, role="owner")
        world.add_account("outsider@nowhere.example", with_token=True, role="outsider")
        billing = world.add_project("billing", owner=olivia, region=PARIS)
        for name in ("billing-api", "billing-web"):
            app = world.create_app(name, owner=olivia, region=PARIS, project=billing)
            world.add_member(app, fred, limited=False)
            world.add_member(app, lim, limited=True)
        world.invite("billing-api", "waiting@new.example")
        world.create_app("vault-api", owner=olivia, region=SECNUM, health_data=True)
        world.add_member("vault-api", fred, limited=False)
        world.create_app("other-api", owner=oscar, region=PARIS)
        world.add_member("other-api", olivia, limited=False)
        world.link_repository("billing-api", fred)
