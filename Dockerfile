# One file, four images: docker build --target TARGET
#   service    the roles service and delivery: no video, no networks
#   ingest     the role ingest: video, no networks
#   inference  the roles inference and enrolment
#   all        every role, and a queue: `patchwatch serve`. The default
# VARIANT=cpu (the default) analyses with OpenVINO; VARIANT=cuda brings torch with CUDA, and the profiles that need it.
# An index or a proxy of your own is no part of the file: --secret id=pip,src=pip.conf --secret id=uv,src=uv.toml
ARG BASE=python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
ARG VARIANT=cpu

FROM ${BASE} AS builder
WORKDIR /src
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/opt/patchwatch PATH=/opt/build/bin:$PATH
COPY requirements/images/ requirements/images/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/build \
 && pip install --no-cache-dir --no-deps --require-hashes -r requirements/images/build.txt
COPY deploy/install-set /usr/local/bin/install-set

FROM builder AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY patchwatch/ patchwatch/
COPY models/ models/
COPY workers/ workers/
COPY service/ service/
RUN python -m hatchling build --target wheel --directory /wheels

FROM builder AS service-packages
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=secret,id=uv,target=/etc/uv/uv.toml install-set service
COPY --from=wheel /wheels /wheels
RUN uv pip install --no-cache --no-deps /wheels/*.whl

FROM builder AS ingest-packages
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=secret,id=uv,target=/etc/uv/uv.toml install-set ingest
COPY --from=wheel /wheels /wheels
RUN uv pip install --no-cache --no-deps /wheels/*.whl

FROM builder AS inference-packages
ARG VARIANT
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    install-set "inference-${VARIANT}"
COPY --from=wheel /wheels /wheels
RUN uv pip install --no-cache --no-deps /wheels/*.whl

FROM builder AS all-packages
ARG VARIANT
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    install-set "all-${VARIANT}"
COPY --from=wheel /wheels /wheels
RUN uv pip install --no-cache --no-deps /wheels/*.whl

FROM ${BASE} AS runtime
LABEL org.opencontainers.image.title="Patchwatch" org.opencontainers.image.licenses="AGPL-3.0-or-later"
RUN useradd --uid 10001 --create-home --home-dir /home/patchwatch patchwatch \
 && install -d -o patchwatch -g patchwatch /data /media /weights
ENV PATH=/opt/patchwatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache \
    XDG_CONFIG_HOME=/tmp/config \
    YOLO_CONFIG_DIR=/tmp/config \
    PATCHWATCH_DATA_DIR=/data \
    PATCHWATCH_MEDIA_DIRS=/media \
    PATCHWATCH_WEIGHTS_DIR=/weights
# As a number: Kubernetes can tell then that it is not root.
USER 10001:10001
WORKDIR /home/patchwatch
STOPSIGNAL SIGTERM
ENTRYPOINT ["patchwatch"]

FROM runtime AS service
COPY --from=service-packages /opt/patchwatch /opt/patchwatch
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["patchwatch", "alive", "service"]
CMD ["run", "service"]

FROM runtime AS ingest
COPY --from=ingest-packages /opt/patchwatch /opt/patchwatch
VOLUME ["/data"]
EXPOSE 8554
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["patchwatch", "alive", "ingest"]
CMD ["run", "ingest"]

FROM runtime AS inference
COPY --from=inference-packages /opt/patchwatch /opt/patchwatch
VOLUME ["/data", "/weights"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["patchwatch", "alive", "inference"]
CMD ["run", "inference"]

FROM runtime AS all
COPY --from=all-packages /opt/patchwatch /opt/patchwatch
VOLUME ["/data", "/weights"]
EXPOSE 8080 8554
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["patchwatch", "alive", "service"]
CMD ["serve"]
