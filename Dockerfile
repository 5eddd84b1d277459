# Builds with everything, ships with what runs: dist/, production dependencies, migrations.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --include=dev --loglevel=error
COPY . .
# Generates the Prisma client as well; that needs no engine, and none is downloaded for it.
RUN npm run build
# Optional packages are the embedded Postgres, which has no place beside a DATABASE_URL.
RUN npm prune --omit=dev --omit=optional

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma/migrations ./prisma/migrations
COPY --from=build /app/dist ./dist
USER node
EXPOSE 3000
# Not through npm: signals must reach the program, and nothing is to be built here.
ENTRYPOINT ["node", "--enable-source-maps", "--max-old-space-size=1024", "dist/src/main.js"]
CMD ["--role=all"]
