# The build and the image have the same Node, which is a release line with long-term support.
ARG NODE=node:24-bookworm-slim

FROM ${NODE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
# Without install scripts: no dependency runs code here, and the build comes after the sources.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY LICENSE tsconfig.json ./
COPY scripts/build.ts scripts/bundle.ts scripts/
COPY src src
# COPY keeps modes: files of a checkout that its owner alone may read would be closed to the image's user.
RUN npm run build && chmod -R a+rX dist package.json LICENSE
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE}
LABEL org.opencontainers.image.title="mintmark" \
      org.opencontainers.image.description="A typed JWT token service on tRPC" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    MINTMARK_DATA=/data
WORKDIR /app
COPY --from=build /src/package.json /src/LICENSE ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
RUN ln -s /app/dist/bin/mintmark.js /usr/local/bin/mintmark \
 && install -d -m 0700 -o 10001 -g 10001 /data
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Liveness. A container that is restarted because its database is away gains nothing, so this is not /readyz.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm before it: SIGTERM reaches the server, which is the first process.
CMD ["node", "/app/dist/bin/main.js"]
