# One image, several roles: `holdfast api`, `holdfast worker`, `holdfast intake`, `holdfast migrate` (docker-compose.yml).

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/holdfast
ENV PATH=/opt/holdfast/bin:$PATH
WORKDIR /source
# The pinned packages first: this layer is rebuilt only when a pin changes.
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
COPY . .
RUN pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /opt/holdfast /opt/holdfast
ENV PATH=/opt/holdfast/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# No shell, no home, no rights: nothing is written but to Postgres, and files to the one volume.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin holdfast \
  && install -d -m 0700 -o holdfast -g holdfast /var/lib/holdfast/media
VOLUME /var/lib/holdfast/media
USER 10001
WORKDIR /srv
ENTRYPOINT ["holdfast"]
CMD ["--help"]
