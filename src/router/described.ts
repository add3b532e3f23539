import { z } from "zod";

/** A copy of a schema with metadata. Schemas of zod/mini have no method for that. */
export function described<Schema extends z.core.$ZodType>(schema: Schema, metadata: z.core.GlobalMeta): Schema {
  const copy = z.core.clone(schema);
  z.globalRegistry.add(copy, metadata);
  return copy;
}
