# The image of web, workers, beat and migrations alike; docker-compose.yml says which is which.
# Built from the hashed lock: what runs is what was tested.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/governance
COPY requirements.lock /tmp/
RUN /opt/governance/bin/pip install --only-binary :all: --require-hashes -r /tmp/requirements.lock
WORKDIR /srv/governance
COPY manage.py pyproject.toml ./
COPY governance governance
COPY templates templates
COPY static static
# The settings ask for these; collecting files uses none of them, and the image keeps none of them.
RUN SECRET_KEY=only-while-building DATABASE_URL=postgresql://nobody@/none REDIS_URL=redis://none \
    /opt/governance/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /opt/governance/bin/python -m compileall -q governance

FROM python:3.13-slim-bookworm
# Threads take turns in Python: a heap for each (glibc) would be memory for nothing.
ENV PATH=/opt/governance/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=1
RUN useradd --system --uid 10001 --home-dir /srv/governance --no-create-home governance \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/governance
COPY --from=build /opt/governance /opt/governance
COPY --from=build /srv/governance /srv/governance
# The commit that it is built from; evidence names it.
ARG SOURCE_VERSION=""
ENV SOURCE_VERSION=$SOURCE_VERSION
WORKDIR /srv/governance
USER 10001:10001
EXPOSE 8000
# It asks by the first name that the site is known by; any answer below 400 will do, since without a
# trusted proxy HTTPS=true sends everybody to https.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 CMD ["python", "-c", \
    "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health/ready/', headers={'Host': os.environ.get('ALLOWED_HOSTS', '').split(',')[0].strip().lstrip('.') or 'localhost', 'X-Forwarded-Proto': 'https'}); raise SystemExit(c.getresponse().status >= 400)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "--no-ws", "--workers-kill-timeout", "10", "governance.wsgi:application"]
