# Builds with all packages, and runs with the needed ones, as a user without rights. Only the volume
# with model files has to be writable: `docker run --read-only --tmpfs /tmp` works.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci --no-audit --no-fund
COPY src src
COPY eval eval
RUN npx tsc -b && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production \
    PLUMBLINE_HOST=0.0.0.0 \
    PLUMBLINE_STORE_URL=pglite:/data/store \
    PLUMBLINE_CACHE_DIR=/data/models
WORKDIR /app
RUN mkdir -p /data/store /data/models && chown -R node:node /data
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY migrations migrations
COPY prompts prompts
USER node
VOLUME /data
EXPOSE 8080
# The server takes SIGTERM itself and drains.
CMD ["node", "bin/plumbline.js", "serve"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PLUMBLINE_PORT || 8080) + '/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
