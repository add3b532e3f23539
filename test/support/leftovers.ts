import { afterAll } from "vitest";
import { killGuarded } from "./children.ts";

// Hooks of this file run after those of the test file, which end their own processes.
afterAll(killGuarded);
