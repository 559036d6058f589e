"""Django's settings of a node, derived from :class:`NodeSettings`; nothing here is edited by an administrator."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from tansiq.node.site.node_settings import NodeSettings, databases

NODE = NodeSettings.load()
BASE = Path(__file__).resolve().parent.parent

_ROOMS = [
    "vault",
    "audit",
    "jobs",
    "desk",
    "accounts",
    "clients",
    "partners",
    "exchange",
    "dossiers",
    "register",
    "search",
    "deconfliction",
    "rights",
    "flows",
    "web",
    "api",
]


def _rooms() -> list[str]:
    return [f"tansiq.node.{room}" for room in _ROOMS if importlib.util.find_spec(f"tansiq.node.{room}")]


def _django_secret() -> str:
    """A random value kept in the node's home; it protects sessions only, and losing it signs everybody out."""
    path = NODE.home / "django-secret"
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    value = os.urandom(32).hex()
    if NODE.home.is_dir():
        path.touch(mode=0o600)
        path.write_text(value, encoding="ascii")
    return value


SECRET_KEY = _django_secret()
DEBUG = False
ALLOWED_HOSTS = NODE.allowed_hosts
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "csp",
    *_rooms(),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "tansiq.node.web.middleware.KnownMethods",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tansiq.node.web.middleware.OfficerLanguage",
    "tansiq.node.web.middleware.SecondFactorFirst",
    "tansiq.node.site.recovering.ReadOnlyWhileRecovering",
    "tansiq.node.web.middleware.ErrorsAsPages",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "tansiq.node.site.urls"
ASGI_APPLICATION = "tansiq.node.site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the apps' own folders: these pages override those of django-allauth.
        "DIRS": [BASE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tansiq.node.web.context.page",
            ],
        },
    }
]
DATABASES = databases(NODE)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Officer"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "tansiq.node.accounts.adapter.ClosedAccountAdapter"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_ADAPTER = "tansiq.node.accounts.adapter.SecondFactor"
# Without TLS a node listens on loopback alone (cli/checks.py), which browsers take for a safe place too.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not NODE.https
# When a session was last used is not kept: it would be a write for every page that is looked at.
USERSESSIONS_TRACK_ACTIVITY = False
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "tansiq.node.web.errors.locked_out"
CSRF_FAILURE_VIEW = "tansiq.node.web.errors.csrf_failure"

LANGUAGE_CODE = NODE.language
LOCALE_PATHS = [BASE / "web" / "locale"]
LANGUAGES = [("ar", "العربية"), ("fr", "Français"), ("en", "English"), ("it", "Italiano"), ("fa", "فارسی")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
# A browser keeps a cookie of such a name for this host alone, over TLS, on the whole of it (RFC 6265bis).
_HOST = "__Host-" if NODE.https else ""
SESSION_COOKIE_NAME = f"{_HOST}tansiq-{NODE.node_id}"
CSRF_COOKIE_NAME = f"{_HOST}tansiq-csrf-{NODE.node_id}"
LANGUAGE_COOKIE_NAME = f"{_HOST}tansiq-language"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = NODE.https
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if NODE.https:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
PRINT_RENDERER = "tansiq.node.web.printing.render"
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
# What officers bring is sealed in memory: a page's body is never spooled to the disk (bounds.MAX_PAGE is the same number).
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024 + 64 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "tansiq.node.site.logs.Discreet", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
