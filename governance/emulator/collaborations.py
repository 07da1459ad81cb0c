"""Verbs about who is on which app. Who may do it is asked by the API, not here."""

import re
from datetime import timedelta
from typing import Any

from . import switches
from .accounts import AccountActs
from .model import Account, App, Collaboration
from .store import Impossible, Unknown, act, short_user

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def is_email(text: object) -> bool:
    return isinstance(text, str) and bool(_EMAIL.fullmatch(text))


class CollaborationActs(AccountActs):
    def _actor(self, by: Account | str | None, app: App) -> Account:
        """Who acts: the owner, when nobody was named."""
        return self.account(by if by is not None else app.owner_id)

    @act
    def invite(
        self,
        app: App | str,
        email: str,
        *,
        limited: bool = True,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> Collaboration:
        """Invite an address to an app, which sends a mail. Raises Impossible with the sentences."""
        app = self.app(app, region=region)
        actor = self._actor(by, app)
        self._refuse_twice(app, email)
        one = Collaboration(
            id=self.ids.mongo(self.clock.now()),
            email=email,
            limited=limited and app.kind == "app",
            link_token=self.ids.link_token(),
            inviter_id=actor.id,
            invited_at=self.clock.now(),
        )
        app.collaborations[one.id] = one
        self.mails.append({"at": self.clock.now(), "to": email, "app": app.name})
        if event:
            data = {"collaborator": {"email": email, "is_limited": one.limited}}
            self.write_event("new_collaborator", app, actor, data)
        self.note_member(app, one)
        return one

    def _refuse_twice(self, app: App, email: str) -> None:
        if not is_email(email):
            raise Impossible("email", "is invalid")
        if self.accounts[app.owner_id].email.lower() == email.lower():
            raise Impossible("email", switches.OWNER_INVITE)
        if any(self.email_of(one).lower() == email.lower() for one in app.collaborations.values()):
            raise Impossible("email", switches.DUPLICATE_INVITE)

    @act
    def accept(
        self,
        app: App | str,
        who: Collaboration | str,
        *,
        account: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> Collaboration:
        """Accept an invitation, as the account of its address (opened when there is none).

        `account` accepts with somebody else's: the link is not bound to the address.
        """
        app = self.app(app, region=region)
        one = self.collaboration(app, who)
        if one.account_id:
            raise Impossible("base", "was accepted already")
        person = self._acceptor(one, account)
        if person.id == app.owner_id or person.id in self._people_on(app):
            raise Impossible("base", "is on the app already")
        one.account_id = person.id
        one.accepted_at = self.clock.now()
        if event:
            self.write_event("accept_collaborator", app, person, self._accepted(one, person))
        self.note_member(app, one)
        return one

    def _acceptor(self, one: Collaboration, account: Account | str | None) -> Account:
        if account is not None:
            return self.account(account)
        return self.account_of(one.email) or self.add_account(one.email)

    def _people_on(self, app: App) -> set[str]:
        return {one.account_id for one in app.collaborations.values() if one.account_id}

    def _accepted(self, one: Collaboration, person: Account) -> dict[str, Any]:
        inviter = self.accounts.get(one.inviter_id or "")
        return {
            "collaborator": {
                "id": one.id,
                "email": person.email,
                "username": person.username,
                "inviter": {"email": inviter.email, "username": inviter.username}
                if inviter
                else None,
                "is_limited": one.limited,
            }
        }

    @act
    def add_member(
        self,
        app: App | str,
        who: Account | str,
        *,
        limited: bool = True,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> Collaboration:
        """Invite and accept in one go."""
        app = self.app(app, region=region)
        person = self.account(who)
        one = self.invite(app, person.email, limited=limited, by=by, event=event)
        return self.accept(app, one, account=person, event=event)

    @act
    def remove(
        self,
        app: App | str,
        who: Collaboration | str,
        *,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> None:
        """Take somebody off an app, or withdraw an invitation."""
        app = self.app(app, region=region)
        one = self.collaboration(app, who)
        data = {"id": one.id}
        if one.account_id:
            data |= self._name(one)
        del app.collaborations[one.id]
        self.removed.append((self.clock.time(), app, one))
        if event:
            self.write_event(
                "delete_collaborator", app, self._actor(by, app), {"collaborator": data}
            )
        if one.account_id:
            self.forget_place(app, one.account_id)
        self.note_member(app, one)

    def _name(self, one: Collaboration) -> dict[str, str]:
        account = self.accounts[one.account_id or ""]
        return {"username": account.username, "email": account.email}

    @act
    def expire(
        self, app: App | str, who: Collaboration | str, *, region: str | None = None
    ) -> None:
        """Let an invitation lapse. What the real platform does then is unknown: here it is gone."""
        app = self.app(app, region=region)
        one = self.collaboration(app, who)
        if one.account_id:
            raise Impossible("base", "was accepted already")
        self.remove(app, one, event=False)

    @act
    def change_role(
        self,
        app: App | str,
        who: Collaboration | str,
        *,
        limited: bool,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> Collaboration:
        """Make somebody a limited collaborator, or a full one."""
        app = self.app(app, region=region)
        one = self.collaboration(app, who)
        one.limited = limited and app.kind == "app"
        if event:
            data: dict[str, Any] = {"email": self.email_of(one), "is_limited": one.limited}
            if one.account_id:
                data = {"id": one.id, **self._name(one), "is_limited": one.limited}
            self.write_event(
                "change_collaborator_role", app, self._actor(by, app), {"collaborator": data}
            )
        self.note_member(app, one)
        return one

    @act
    def leave(
        self, app: App | str, who: Account | str, *, region: str | None = None, event: bool = True
    ) -> None:
        """Somebody stops collaborating by themselves."""
        app = self.app(app, region=region)
        person = self.account(who)
        self.remove(app, person.id, by=person, event=event)

    def still_listed(self, app: App) -> list[Collaboration]:
        """The collaborations of an app as a lagging platform lists them."""
        listed = list(app.collaborations.values())
        if self.switches.removal_lag:
            since = (self.clock.now() - timedelta(seconds=self.switches.removal_lag)).timestamp()
            listed += [one for at, where, one in self.removed if where is app and at > since]
        return listed

    def invitation(self, link_token: str) -> tuple[App, Collaboration]:
        """The pending invitation of a link. Raises Unknown."""
        for app in self.apps():
            for one in app.collaborations.values():
                if one.link_token == link_token and one.is_pending:
                    return app, one
        raise Unknown("no such invitation")

    def owner_of(self, app: App) -> dict[str, Any]:
        return {**short_user(self.accounts[app.owner_id]), "flags": {}}
