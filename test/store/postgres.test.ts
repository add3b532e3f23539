import { afterAll } from "vitest";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { describeStore } from "./conformance.ts";
import { createEmptier } from "./empty-postgres.ts";

describePostgres("PostgreSQL", () => {
  const { connect, empty, end } = createEmptier();
  afterAll(end);
  describeStore("a store on PostgreSQL", {
    async address() {
      const url = await sharedPostgres.newStoreDatabase();
      await connect(url);
      return { url };
    },
    empty,
  });
});
