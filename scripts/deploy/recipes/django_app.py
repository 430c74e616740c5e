"""A Django application behind tls-off: gunicorn --umask 0117 --bind unix:/run/app/app.sock django_app:application"""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],  # in production the names of the site
    ROOT_URLCONF=__name__,
    SECRET_KEY="only of this example",
    SECURE_SSL_REDIRECT=True,
)


def index(request):
    return HttpResponse(f"{request.scheme} {request.is_secure()}")


urlpatterns = [path("", index)]
django = get_wsgi_application()


def application(environ, start_response):
    # Whoever reaches this socket came by HTTPS.
    environ["wsgi.url_scheme"] = "https"
    return django(environ, start_response)
