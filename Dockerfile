# The login (and the gateway, if it is set) as your own server's program. docs/container.md
FROM node:24-slim AS build
WORKDIR /app
COPY . .
RUN npm ci && npm run build

FROM node:24-slim
WORKDIR /app
COPY --from=build /app/dist/node dist/node
# In a container, the platform decides who can reach the port.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8888
USER node
EXPOSE 8888
HEALTHCHECK CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/robots.txt`).then(() => process.exit(0), () => process.exit(1))"]
CMD ["node", "dist/node/start.mjs"]
