import { expect, it } from "vitest";
import { separateIds } from "../../src/cli/operands.ts";

const KID = "-zbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

it.each([
  ["an id that begins with a hyphen", ["keys", "revoke", KID], ["keys", "revoke", "--", KID]],
  ["one before an option", ["keys", "revoke", KID, "--json"], ["keys", "revoke", "--json", "--", KID]],
  ["one that begins with two", ["token", "find", `-${KID}`], ["token", "find", "--", `-${KID}`]],
  ["the value of an option", ["revoke", "--session", KID], ["revoke", "--session", KID]],
  ["an id behind the end of options", ["keys", "revoke", "--", KID], ["keys", "revoke", "--", KID]],
  [
    "a long option",
    ["clients", "update", "x", "--no-backchannel-logout-uri"],
    ["clients", "update", "x", "--no-backchannel-logout-uri"],
  ],
  ["options", ["keys", "rotate", "--immediate", "-h"], ["keys", "rotate", "--immediate", "-h"]],
])("separates no option, and %s", (_, words, separated) => {
  expect(separateIds(words)).toEqual(separated);
});
