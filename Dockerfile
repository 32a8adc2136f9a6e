# syntax=docker/dockerfile:1
# One stage fetches what the page draws its charts with, one installs the locked wheels, the last carries only what runs.
# Whoever has no npm registry builds with --build-arg CHARTS=none: everything but the charts works without.
ARG BASE=python:3.13-slim
ARG NODE=node:22-slim
ARG CHARTS=npm

# hadolint ignore=DL3006
FROM ${NODE} AS charts-npm
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund --ignore-scripts \
    && install -D -t /vendor node_modules/uplot/dist/uPlot.iife.min.js node_modules/uplot/dist/uPlot.min.css

# hadolint ignore=DL3006
FROM ${BASE} AS charts-none
RUN mkdir /vendor

# hadolint ignore=DL3006
FROM charts-${CHARTS} AS charts

# hadolint ignore=DL3006
FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv /opt/arbbot
COPY requirements.lock ./
RUN /opt/arbbot/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
    && /opt/arbbot/bin/python -m pip uninstall --yes pip
COPY arbbot /opt/arbbot/app/arbbot
COPY --from=charts /vendor /opt/arbbot/app/arbbot/dashboard/static/vendor
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
# The daemon stops by its own table and needs up to a minute, and closes: run with a stop grace of 90 s.
STOPSIGNAL SIGTERM
# The page listens inside the container's own loopback: deploy/container/README.md says how to reach it.
# Ask and command the daemon inside: docker exec CONTAINER python -m arbbot status
# Marks the container unhealthy while the daemon is not fit to trade, or part of it stands still. It tells whoever
# watches; docker itself restarts nothing because of it.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "arbbot", "health", "--socket", "/var/lib/arbbot/control.sock"]
ENTRYPOINT ["python", "-m", "arbbot"]
CMD ["run"]
