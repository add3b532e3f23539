import { openPairForge } from "../support/forge.ts";
import { base64Vectors } from "./vectors/base64.ts";
import { jsonVectors } from "./vectors/json.ts";
import { appendixVectors, cookbookVectors } from "./vectors/jws.ts";
import { naughtyStrings } from "./vectors/naughty-strings.ts";

const by = await openPairForge("ES256");

cookbookVectors();
appendixVectors();
jsonVectors(by);
base64Vectors(by);
naughtyStrings();
