import { z } from "zod";
import { anyClaims, type ClaimsSchema } from "../../token/claims.ts";
import type { Document } from "../respond.ts";
import { skeletonOf } from "./skeleton.ts";
import { pageDocument, type Values } from "./template.ts";

export type StartPageOptions = { issuer: string; open: boolean; claims: ClaimsSchema };

/** The page at `/`: links and, where access is open, a form that issues, verifies and revokes a token. */
export function startPage({ issuer, open, claims }: StartPageOptions): Promise<Document> {
  const url = issuer.replace(/\/+$/, "");
  return pageDocument("start.html", { issuer, url, open, ...(open && claims !== anyClaims && describeClaims(claims)) });
}

/** The field for custom claims starts with a skeleton of the members that the schema requires. */
function describeClaims(claims: ClaimsSchema): Values {
  const { $schema, ...schema } = z.toJSONSchema(claims, { io: "input", unrepresentable: "any" });
  const skeleton = JSON.stringify(skeletonOf(schema), null, 2);
  return { skeleton, rows: Math.min(skeleton.split("\n").length, 12), schema: JSON.stringify(schema, null, 2) };
}
