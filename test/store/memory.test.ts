import { createMemoryDatabase } from "../../src/store/memory/database.ts";
import { openMemoryStore } from "../../src/store/memory/memory.ts";
import { describeContract } from "./conformance.ts";

describeContract("a store in memory", async () => {
  const database = createMemoryDatabase();
  const [here, there] = [openMemoryStore(database), openMemoryStore(database)];
  const close = async () => {
    await here.close();
    await there.close();
  };
  return {
    here,
    there: { ...there, watch: async () => {} },
    async reopen() {
      await close();
      return openMemoryStore(database);
    },
    [Symbol.asyncDispose]: close,
  };
});
