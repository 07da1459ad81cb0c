"""One file for every installation; what differs is read from the environment (`env.py`).

`docs/configuration.md` says what each variable means and what it is when nothing is set.
"""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from governance import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- who we are -----------------------------------------------------------------------------------

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY")
SITE_NAME = env.text("SITE_NAME", default="Access")
# The commit that this was built from, as hosts say it; evidence names it.
SOURCE_VERSION = env.text("SOURCE_VERSION", default="")
# Where people reach it, for links in mails: https://access.example.com
SITE_URL = env.text("SITE_URL", default="").rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default="127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
# The company's own mail domains: others are shown as external, unless a person said otherwise.
COMPANY_DOMAINS = frozenset(domain.lower() for domain in env.words("COMPANY_DOMAINS"))

# --- Scalingo -------------------------------------------------------------------------------------

SCALINGO_AUTH_URL = env.text("SCALINGO_AUTH_URL", default="https://auth.scalingo.com")
# The bearer is sent to these hosts and their subdomains alone, whatever the list of regions says.
SCALINGO_HOSTS = env.words("SCALINGO_HOSTS", default="scalingo.com")
# Requests per epoch minute over all processes, and how many of them are kept for people.
SCALINGO_RATE_LIMIT = env.number("SCALINGO_RATE_LIMIT", default=60, minimum=1)
SCALINGO_RATE_PERIOD = env.number("SCALINGO_RATE_PERIOD", default=60, minimum=1)
SCALINGO_RATE_RESERVE = env.number("SCALINGO_RATE_RESERVE", default=10)
SYNC_EVERY = env.duration("SYNC_EVERY", default="10m")
# How long a change can still be cancelled before Scalingo is told: the only true undo.
CHANGES_GRACE = env.duration("CHANGES_GRACE", default="30s")
# The admin as whom the commands of a terminal act that are not told otherwise.
ACT_AS = env.text("ACT_AS", default="")

# Tokens are sealed with the public key; only workers hold the private one.
SEALING_PUBLIC_KEY = env.secret("SEALING_PUBLIC_KEY", default="")
SEALING_PRIVATE_KEY = env.secret("SEALING_PRIVATE_KEY", default="")

# --- the audit log --------------------------------------------------------------------------------

# Whose log it is: stands in every checkpoint, and is never changed once there is one.
AUDIT_ORIGIN = env.text("AUDIT_ORIGIN", default="access-audit-log")
# Workers sign checkpoints; the web process needs no key.
AUDIT_SIGNING_KEY = env.secret("AUDIT_SIGNING_KEY", default="")
CHECKPOINT_EVERY = env.duration("CHECKPOINT_EVERY", default="1h")
# `none` where a disk does not outlive its process.
_checkpoints = env.text("CHECKPOINTS_DIR", default="var/checkpoints")
CHECKPOINTS_DIR = None if _checkpoints == "none" else BASE_DIR / _checkpoints
CHECKPOINT_MAIL = env.words("CHECKPOINT_MAIL")

# --- reports --------------------------------------------------------------------------------------

# How long the file of an export is kept; what is known of it, and who took it, stays.
EXPORTS_KEPT = env.duration("EXPORTS_KEPT", default="90d")

# --- 2FA ------------------------------------------------------------------------------------------

# The shortest time between two reminders of one person, and the months between two reviews.
TWO_FACTOR_REMIND_EVERY = env.duration("TWO_FACTOR_REMIND_EVERY", default="7d")
TWO_FACTOR_REVIEW_MONTHS = env.number("TWO_FACTOR_REVIEW_MONTHS", default=3, minimum=1)

# --- mail -----------------------------------------------------------------------------------------

MAIL_URL = env.secret("MAIL_URL", default="")
# For web, which sends none: whether the workers have a server to send by.
MAIL_IS_SET = env.flag("MAIL_IS_SET", default=False)
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", default="access@localhost")


def _mail(url: str) -> dict[str, object]:
    """Django's settings for `smtp://user:password@host:587`, `smtps://…` or `file:///folder`."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": unquote(parts.path),
        }
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured("MAIL_URL must be like smtp://user:password@host:587.")
    plain = parts.query == "tls=no"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and not plain,
        "EMAIL_TIMEOUT": 20,
    }


if MAIL_URL:
    globals().update(_mail(MAIL_URL))
elif CHECKPOINT_MAIL:
    raise ImproperlyConfigured("CHECKPOINT_MAIL needs a server to send by: set MAIL_URL.")

# --- the database ---------------------------------------------------------------------------------


def _database(url: str) -> dict[str, object]:
    """Django's settings for `postgresql://user:password@host:port/name?host=/socket`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql://.")
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    host = unquote(query.pop("host", "")) or unquote(parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or query.pop("port", "")),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {name: unquote(value) for name, value in query.items()},
    }


_url = env.secret("DATABASE_URL")
_migration_url = env.secret("MIGRATION_DATABASE_URL", default="")
DATABASES = {"default": _database(_url)}
# The application's role owns nothing. Where an installation has one role only, this is empty and
# the triggers alone protect the audit log.
DATABASE_APPLICATION_ROLE = ""
if _migration_url:
    DATABASE_APPLICATION_ROLE = str(DATABASES["default"]["USER"])
    if len(sys.argv) > 1 and sys.argv[1] in {"migrate", "flush", "dbshell"}:
        DATABASES = {"default": _database(_migration_url)}

# A page that waits longer than this is broken; a worker may take longer (see celery.py).
_timeouts = (
    f"-c statement_timeout={env.number('DATABASE_STATEMENT_TIMEOUT', default=15)}s"
    " -c lock_timeout=3s -c idle_in_transaction_session_timeout=60s"
    # Data in memory or on a solid disk: a few rows are found by their index.
    " -c random_page_cost=1.1"
)
DATABASES["default"]["OPTIONS"] = {"options": _timeouts, **DATABASES["default"]["OPTIONS"]}  # type: ignore[dict-item]
if env.flag("DATABASE_POOL", default=False):
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 5}  # type: ignore[index]
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the queue ------------------------------------------------------------------------------------

REDIS_URL = env.secret("REDIS_URL")
# Where nudges are sent from (core/nudges.py): core may not import what stands above it.
QUEUE_APP = "governance.celery.app"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://"),
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# --- the application ------------------------------------------------------------------------------

INSTALLED_APPS = [
    "governance.core",
    "governance.audit",
    "governance.accounts",
    "governance.notifications",
    "governance.connections",
    "governance.inventory",
    "governance.facts",
    "governance.changes",
    "governance.sync",
    "governance.rotations",
    "governance.reports",
    "governance.reports.two_factor",
    "governance.dashboard",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials",
    "lucide",
    "django_structlog",
]

MIDDLEWARE = [
    "governance.core.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "governance.accounts.middleware.SessionAge",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "governance.core.middleware.SessionOver",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "governance.accounts.middleware.Refusals",
]

ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "template_partials.templatetags.partials",
                "django.templatetags.i18n",
                "django.templatetags.static",
                "governance.core.templatetags.interface",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.dashboard.context.frame",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- people ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "dashboard:overview"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# A session ends when it was idle for so long, and after twelve hours in any case.
SESSION_IDLE = env.duration("SESSION_IDLE", default="30m")
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- safety ---------------------------------------------------------------------------------------

HTTPS = env.flag("HTTPS", default=True)
SECURE_SSL_REDIRECT = HTTPS
# Behind a proxy of ours, which writes the last entry of X-Forwarded-For and X-Forwarded-Proto.
TRUST_PROXY = env.flag("TRUST_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# --- language and time ----------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = env.text("TIME_ZONE", default="Europe/Paris")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True

# --- static files ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = env.flag("STATIC_FROM_SOURCE", default=False)
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- logs: one JSON object a line -----------------------------------------------------------------

_shared: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": _shared,
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", default="INFO")},
    "loggers": {
        # They write whole addresses, and a request of theirs is already a line of ours.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
    },
}
