"""What both Django programs are configured by; DJANGO_SETTINGS_MODULE names it."""

SECRET_KEY = "for tests alone"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "django_shop.urls"
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django_shop.middleware.Stamp",
]
INSTALLED_APPS: list[str] = []
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
USE_TZ = True
LOGGING_CONFIG = None
