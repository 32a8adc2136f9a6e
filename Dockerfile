# syntax=docker/dockerfile:1
# Two stages on one base: the first installs the locked wheels, the second carries only what runs.
ARG BASE=python:3.13-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv /opt/arbbot
COPY requirements.lock ./
RUN /opt/arbbot/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
    && /opt/arbbot/bin/python -m pip uninstall --yes pip
COPY arbbot /opt/arbbot/app/arbbot
COPY settings.toml /opt/arbbot/app/
RUN /opt/arbbot/bin/python -m compileall -q /opt/arbbot/app/arbbot

# hadolint ignore=DL3006
FROM ${BASE}
COPY --from=build /opt/arbbot /opt/arbbot
# The journal, recordings and the control socket live in the one volume; the rest may be read-only.
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/arbbot
WORKDIR /opt/arbbot/app
ENV PATH=/opt/arbbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ARBBOT_STATE_DIR=/var/lib/arbbot
USER 10001:10001
VOLUME ["/var/lib/arbbot"]
# The daemon stops by its own table and needs up to a minute: run with a stop grace of 60 s.
STOPSIGNAL SIGTERM
# Ask and command the daemon inside: docker exec CONTAINER python -m arbbot status
# Marks the container unhealthy while the daemon is not fit to trade. It tells whoever watches; docker itself restarts
# nothing because of it.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "arbbot", "health"]
ENTRYPOINT ["python", "-m", "arbbot"]
CMD ["run"]
