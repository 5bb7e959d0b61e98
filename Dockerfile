# The server as an image: `docker build -t mockserver .`, and docs/sidecar.md tells how it is used.
# Whatever Python image is named here builds it and runs it; it needs python3 and pip.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.lock requirements-build.lock ./
# No pip and no setuptools in what is shipped; the image's own pip installs into it.
RUN python3 -m venv --without-pip /opt/mockserver \
 && python3 -m venv --without-pip /opt/build \
 && python3 -m pip --python /opt/build/bin/python install --require-hashes -r requirements-build.lock \
 && python3 -m pip --python /opt/mockserver/bin/python install --no-compile --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY spec spec
COPY scenarios scenarios
COPY mockserver mockserver
RUN python3 -m pip --python /opt/build/bin/python wheel \
        --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && python3 -m pip --python /opt/mockserver/bin/python install --no-compile --no-deps --no-index /tmp/wheel/*.whl \
 && find /opt/mockserver -type d \( -name tests -o -name test \) -prune -exec rm -r {} + \
 && find /opt/mockserver \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.pyi' \) -delete \
 && rm -rf /opt/mockserver/include \
 # Compiled ahead, since nothing can be written later, and never checked against the sources again.
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/mockserver \
 # What a start would keep of the bundled documents, for the same reason.
 && MOCKSERVER_CACHE_DIR=/opt/mockserver/cache /opt/mockserver/bin/python -c 'import mockserver; mockserver.create_app()' \
 && mkdir -p /mounts/scenarios /mounts/spec

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="mockserver" \
      org.opencontainers.image.description="A twin of a paid, rate-limited HTTP API for the people who write clients against it." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mockserver /opt/mockserver
COPY --from=build /mounts/ /
ENV PATH=/opt/mockserver/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOCKSERVER_HOST=0.0.0.0 \
    MOCKSERVER_CACHE_DIR=/opt/mockserver/cache \
    MOCKSERVER_SCENARIO_DIR=/scenarios \
    MOCKSERVER_SPEC_DIR=/spec
EXPOSE 4010
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=3s --timeout=3s --start-period=15s --retries=3 CMD ["mockserver", "health"]
ENTRYPOINT ["mockserver"]
CMD ["serve"]
