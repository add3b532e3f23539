import type { Seconds } from "../../time.ts";
import type { AuthorizationCode, AuthorizationRequest, DeviceRequest } from "../authorization.ts";
import { type Consent, type LogoutNotice, NOTICE_RETENTION, type SignIn } from "../sign-in.ts";

type Notice = LogoutNotice & { dueAt?: Seconds; until: Seconds };

/** State of the sign-in of people. */
export type People = {
  signIns: Map<string, SignIn>;
  requests: Map<string, AuthorizationRequest>;
  codes: Map<string, AuthorizationCode & { until: Seconds }>;
  consents: Map<string, Consent>;
  devices: Map<string, DeviceRequest>;
  /** By sid and client. */
  notices: Map<string, Notice>;
};

export function createPeople(): People {
  return {
    signIns: new Map(),
    requests: new Map(),
    codes: new Map(),
    consents: new Map(),
    devices: new Map(),
    notices: new Map(),
  };
}

/** Ends what a revocation of a session or subject concerns, beside grants. */
export function endSignIns(people: People, by: { sid: string } | { subject: string }, at: Seconds): void {
  const concerns = ({ sid, subject }: { sid: string; subject: string }) =>
    "sid" in by ? sid === by.sid : subject === by.subject;
  removeWhere(people.signIns, concerns);
  removeWhere(people.codes, concerns);
  for (const notice of people.notices.values())
    if (concerns(notice) && notice.dueAt === undefined)
      Object.assign(notice, { dueAt: at, until: Math.max(notice.until, at + NOTICE_RETENTION) });
}

/** Removes what a removed client leaves. */
export function removeOfClient(people: People, id: string): void {
  const isOfClient = ({ clientId }: { clientId: string }) => clientId === id;
  for (const rows of [people.consents, people.requests, people.devices, people.notices])
    removeWhere<{ clientId: string }>(rows, isOfClient);
}

export function removeWhere<Row>(rows: Map<string, Row>, isMeant: (row: Row) => boolean): number {
  const meant = [...rows].filter(([, row]) => isMeant(row));
  for (const [id] of meant) rows.delete(id);
  return meant.length;
}
