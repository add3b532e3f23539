/** Who calls: the client as whom the request was authenticated. Every use case is told, first of all. */
export type Caller = { clientId: string };

/** The caller where access is open: somebody on this machine. */
export const localCaller: Caller = { clientId: "local" };
