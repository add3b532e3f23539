import { buildIfOutdated } from "../../scripts/current-build.ts";

/** Tests start the programs that users run. */
export const setup = buildIfOutdated;
