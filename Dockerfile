# docker build -t threadloop .
# docker run --rm --init --stop-timeout 30 --env-file .env -v threadloop:/app/var threadloop

FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /app
# The dependencies in a layer of their own: it changes only with the lock file.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY bot bot
COPY tools tools
RUN uv sync --frozen --no-dev

FROM python:3.13-slim
# A number, so that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin threadloop \
    && install -d -o threadloop -g threadloop /app/var
COPY --from=build /app /app
# With an arena of memory for each thread, what is freed stays in pieces.
ENV MALLOC_ARENA_MAX=2 \
    PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001
VOLUME /app/var
# Health and metrics, and Slack's requests in HTTP mode.
EXPOSE 3000
# Any HTTP answer shows that the bot's event loop turns.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
    CMD ["python", "-c", "\
from http.client import HTTPConnection; from bot.settings import load; \
bot = HTTPConnection('127.0.0.1', load().port, timeout=5); \
bot.request('GET', '/healthz'); bot.getresponse()"]
# The process is the bot itself, without a shell in between: `docker stop` reaches it, and it finishes its questions.
ENTRYPOINT ["threadloop"]
CMD ["run"]
