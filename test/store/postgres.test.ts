import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { describeStore } from "./conformance.ts";
import { EMPTY } from "./empty-postgres.ts";

describePostgres("PostgreSQL", () => {
  let url = "";
  describeStore("a store on PostgreSQL", {
    async address() {
      url = await sharedPostgres.newDatabase();
      return { url };
    },
    empty: () => sharedPostgres.query(EMPTY, url),
  });
});
