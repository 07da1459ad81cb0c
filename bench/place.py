"""Servers and settings for a measurement: two of our own, started and stopped with it."""

import atexit
import os
import secrets

ROOT_SETTINGS = {"autovacuum": "off", "max_wal_size": "4GB", "shared_buffers": "512MB"}


def prepare() -> None:
    """Start PostgreSQL and Valkey, make the tables, and set Django up as the application."""
    from governance.connections import sealing
    from governance.local import servers
    from governance.local.temporary import Temporary

    temporary = Temporary(settings=ROOT_SETTINGS)
    atexit.register(temporary.stop)
    temporary.valkey.start()
    temporary.postgres.start()
    temporary.postgres.prepare()
    public, private = sealing.make_keys()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="governance.settings",
        SECRET_KEY=secrets.token_urlsafe(50),
        DATABASE_URL=temporary.postgres.url(servers.APPLICATION),
        MIGRATION_DATABASE_URL=temporary.postgres.url(servers.OWNER),
        REDIS_URL=temporary.valkey.url,
        SEALING_PUBLIC_KEY=public,
        SEALING_PRIVATE_KEY=private,
        HTTPS="false",
        STATIC_FROM_SOURCE="true",
        LOG_LEVEL="ERROR",
        ALLOWED_HOSTS="*",
    )
    import subprocess
    import sys

    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
    import django

    django.setup()
