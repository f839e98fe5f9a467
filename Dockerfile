# soundalike in a container, with reports as PDF:
#
#     docker build -t soundalike .
#     docker run --rm --network none soundalike demo
#
# README.md, "In a container", tells how to give it recordings.
#
# Not built as an image yet. Its steps were run to their end in a plain Debian 12 in the place of the two images: the
# first, with gcc, libc6-dev, ca-certificates and Rust, on the files that .dockerignore leaves; in the second, with
# nothing added, the user that is made below ran demo, selftest and a check with a report as PDF.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --profile dist --locked --features pdf --bin soundalike

# The same release of Debian as above, so that the C library fits. The program needs nothing else: weights, typefaces
# and the demo's recordings are in it.
FROM debian:bookworm-slim
COPY --from=build /build/target/dist/soundalike /usr/local/bin/soundalike
COPY --from=build /build/LICENSE /build/NOTICE /usr/share/doc/soundalike/
RUN useradd --uid 10001 --create-home --home-dir /case soundalike
USER soundalike
WORKDIR /case
ENTRYPOINT ["soundalike"]
CMD ["--help"]
