/** Uses the package within a test runner that has global functions: Jest, and vitest with `globals`. */
import { cells } from "./cells";

test.each(Object.keys(cells))(
  "%s",
  async (cell) => {
    await cells[cell](process.env.ISSUER, cell === "server" ? process.env.DATA : undefined);
  },
  60_000,
);
