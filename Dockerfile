# One image for worker, archiver, api and migrate: `docker build -t watchfloor .`

FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/watchfloor
COPY constraints/runtime.txt constraints/
RUN /opt/watchfloor/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r constraints/runtime.txt
COPY pyproject.toml README.md ./
COPY events events
COPY policy policy
COPY alerts alerts
COPY broker broker
COPY traffic traffic
COPY streams streams
COPY sql sql
COPY api api
COPY watchfloor watchfloor
RUN /opt/watchfloor/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN groupadd --system --gid 10001 watchfloor \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin watchfloor \
    && install -d -o 10001 -g 10001 /run/watchfloor
COPY --from=build /opt/watchfloor /opt/watchfloor
ENV PATH=/opt/watchfloor/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /run/watchfloor
USER 10001:10001
ENTRYPOINT ["watchfloor"]
CMD ["--help"]
