/** How many rows were deleted, and whether more may be due. */
export type Pruned = { count: number; more: boolean };
