import { afterAll } from "vitest";
import { killGuarded } from "./children.ts";

// Hooks of this file run after those of the test file, so that what ends by itself has ended.
afterAll(killGuarded);
