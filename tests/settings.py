"""Settings for the test run; the node's own settings replace this once the site stands."""

SECRET_KEY = "tests-only"  # noqa: S105
INSTALLED_APPS: list[str] = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
