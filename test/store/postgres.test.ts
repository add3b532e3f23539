import { afterAll, beforeAll } from "vitest";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { describeStore } from "./conformance.ts";

describePostgres("PostgreSQL", () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  describeStore("a store on PostgreSQL", async () => ({ url: await postgres.newDatabase() }));
});
