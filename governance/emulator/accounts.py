"""Verbs about accounts: who exists, their address, their 2FA, their tokens."""

from .model import Account, Token
from .store import Store, Unknown, act


class AccountActs(Store):
    @act
    def add_account(
        self,
        email: str,
        *,
        username: str = "",
        fullname: str = "",
        company: str = "",
        two_factor: bool = False,
        with_token: bool = False,
        role: str = "person",
        connect: bool = False,
        regions: list[str] | None = None,
    ) -> Account:
        """Open an account; `regions` are those it may use, all of them by default."""
        account = Account(
            id=self.ids.prefixed("us"),
            email=email,
            username=username or self._free_username(email),
            fullname=fullname,
            company=company,
            created_at=self.clock.now(),
            two_factor=two_factor,
            role=role,
            connect=connect,
            regions=tuple(self.regions) if regions is None else tuple(regions),
        )
        self.accounts[account.id] = account
        if with_token:
            self.add_token(account, "governance")
        self.index_account(account)
        self.note_account(account)
        return account

    def _free_username(self, email: str) -> str:
        wished = email.partition("@")[0].replace(".", "-")
        taken = {account.username for account in self.accounts.values()}
        if wished not in taken:
            return wished
        return f"{wished}-{len(self.accounts)}"

    @act
    def set_two_factor(self, who: Account | str, on: bool) -> Account:  # noqa: FBT001
        """Switch somebody's 2FA, as they would do themselves."""
        account = self.account(who)
        account.two_factor = on
        self.write_account_event(
            "tfa_enabled" if on else "tfa_disabled", account, {"provider": "totp"} if on else {}
        )
        self.note_account(account)
        return account

    @act
    def change_email(self, who: Account | str, email: str) -> Account:
        account = self.account(who)
        account.email = email
        self.index_account(account)
        self.note_account(account)
        return account

    @act
    def change_username(self, who: Account | str, username: str) -> Account:
        account = self.account(who)
        account.username = username
        self.note_account(account)
        return account

    @act
    def delete_account(self, who: Account | str) -> Account:
        """Delete an account: its tokens die, its places stay as ghosts."""
        account = self.account(who)
        account.deleted_at = self.clock.now()
        self.index_account(account)
        self.note_account(account)
        return account

    @act
    def add_token(self, who: Account | str, name: str) -> Token:
        """Make an API token of an account; it lives until it is deleted or renewed."""
        account = self.account(who)
        token = Token(self.ids.prefixed("to"), name, self.ids.api_token(), self.clock.now())
        account.tokens.append(token)
        self.index_account(account)
        data = {"token_name": name, "token_id": token.id}
        self.write_account_event("new_token", account, data)
        return token

    @act
    def delete_token(self, who: Account | str, token: str) -> None:
        """Delete an API token, by id or name. Bearers issued for it live on until they are over."""
        account = self.account(who)
        found = self._token(account, token)
        account.tokens.remove(found)
        self.index_account(account)
        data = {"token_name": found.name, "token_id": found.id}
        self.write_account_event("delete_token", account, data)

    @act
    def renew_token(self, who: Account | str, token: str) -> Token:
        """Give an API token a new secret; the old one is dead."""
        account = self.account(who)
        found = self._token(account, token)
        found.secret = self.ids.api_token()
        self.index_account(account)
        data = {"token_name": found.name, "token_id": found.id}
        self.write_account_event("regenerate_token", account, data)
        return found

    @act
    def kill_bearers(self, who: Account | str) -> None:
        """Refuse every bearer that an account has. The next exchange gives a good one."""
        account = self.account(who)
        account.generation += 1

    def _token(self, account: Account, token: str) -> Token:
        for one in account.tokens:
            if token in (one.id, one.name):
                return one
        raise Unknown(f"no token {token}")
