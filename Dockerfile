# syntax=docker/dockerfile:1
# One image, two sets: --build-arg EXTRA=core (motion and place streams, no torch, the default) or EXTRA=clip (torch and networks).
ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS build
ARG EXTRA=core
RUN pip install --no-cache-dir uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy VIRTUAL_ENV=/opt/patchwatch
RUN uv venv /opt/patchwatch
WORKDIR /src
# The pinned set is complete: --no-deps keeps OpenCV's windowed build, which ultralytics asks for, out.
COPY requirements/ requirements/
RUN --mount=type=cache,target=/root/.cache/uv uv pip install --no-deps -r "requirements/${EXTRA}.txt"
COPY pyproject.toml README.md LICENSE ./
COPY patchwatch/ patchwatch/
COPY models/ models/
COPY workers/ workers/
COPY service/ service/
RUN --mount=type=cache,target=/root/.cache/uv uv pip install --no-deps .

FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="Patchwatch" org.opencontainers.image.licenses="AGPL-3.0-or-later"
RUN useradd --uid 10001 --create-home --home-dir /home/patchwatch patchwatch \
 && install -d -o patchwatch -g patchwatch /data /media /weights
COPY --from=build /opt/patchwatch /opt/patchwatch
ENV PATH=/opt/patchwatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache \
    XDG_CONFIG_HOME=/tmp/config \
    YOLO_CONFIG_DIR=/tmp/config \
    PATCHWATCH_DATA_DIR=/data \
    PATCHWATCH_MEDIA_DIRS=/media \
    PATCHWATCH_WEIGHTS_DIR=/weights
USER patchwatch
WORKDIR /home/patchwatch
VOLUME ["/data", "/weights"]
EXPOSE 8080 8554
STOPSIGNAL SIGTERM
# Right for the service, and for `serve`; docker-compose.yml gives the other roles their own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PATCHWATCH_PORT', '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["patchwatch"]
CMD ["serve"]
