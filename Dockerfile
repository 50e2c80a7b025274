# Ferrotype with ffmpeg, as a user without rights:
#   docker build -t ferrotype .
#   docker run --rm -v "$PWD:/work" ferrotype train --config configs/quickstart.yaml
FROM rust:1.95-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The C parts (mimalloc, ring) need a compiler; the image has one. The commit is what runs name in their provenance.
ARG COMMIT=unknown
ENV CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_TERM_COLOR=never
WORKDIR /source
COPY . .
RUN FERROTYPE_COMMIT="$COMMIT" cargo build --release --locked -p ferrotype-fer --bin ferrotype \
    && target/release/ferrotype --version

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Ferrotype" \
      org.opencontainers.image.source="https://github.com/ferrotype/ferrotype" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# ffmpeg decodes videos; the certificates are built in. No version is pinned: Debian keeps one per release and mends it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 ferrotype \
    && install -d -o ferrotype -g ferrotype /work
COPY --from=build /source/target/release/ferrotype /usr/local/bin/ferrotype
COPY --from=build /source/LICENSE-MIT /source/LICENSE-APACHE /usr/share/doc/ferrotype/
COPY --from=build --chown=ferrotype:ferrotype /source/configs /work/configs
USER 10001:10001
WORKDIR /work
# `serve` in a container: --host 0.0.0.0, and the token that it prints.
EXPOSE 7777
ENTRYPOINT ["ferrotype"]
CMD ["--help"]
