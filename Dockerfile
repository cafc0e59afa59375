# The service, small and without root. Build: docker build -t certsvc .
# Run:  docker run -p 8000:8000 -e CERTSVC_DATABASE_URL=postgresql+asyncpg://… certsvc
# Without a database named it embeds one; then keep its data: -v certsvc:/var/lib/certsvc

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The dependencies first: they change less often than the code, so their layer is kept.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/certsvc \
 && /opt/certsvc/bin/python -m pip install --require-hashes --requirement requirements/runtime.txt \
 && python -m pip install --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY migrations migrations
COPY examples/programmes examples/programmes
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/certsvc/bin/python -m pip install --no-deps dist/*.whl \
 && /opt/certsvc/bin/python -m pip uninstall --yes pip

FROM python:3.12-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/certsvc certsvc \
 && install --directory --owner certsvc --group certsvc --mode 0750 /var/lib/certsvc
COPY --from=build /opt/certsvc /opt/certsvc
ENV PATH=/opt/certsvc/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CERTSVC_HOST=0.0.0.0 \
    CERTSVC_PORT=8000 \
    CERTSVC_DATA_DIR=/var/lib/certsvc
USER 10001:10001
WORKDIR /var/lib/certsvc
VOLUME /var/lib/certsvc
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['CERTSVC_PORT']), timeout=4); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["certsvc"]
CMD ["serve"]
