/** The part of an audit record that identifies an operation. */
type AuditedOperation = {
  id: string;
  action: string;
  outcome: string;
  jti?: string | undefined;
  target?: string | undefined;
  subject?: string | undefined;
  kid?: string | undefined;
};

export type Expectations = {
  /** Expects one more record of an action on something. */
  expect(action: string, id: string): void;
  /** Takes a record; a second time, it counts no more. */
  found(record: AuditedOperation): void;
  /** The actions without a record. */
  missing(): string[];
  /** Drops the expectations that are reported. */
  forget(): void;
};

/** The records that the audit log must have: one for every acknowledged operation. */
export function createExpectations(): Expectations {
  const expected = new Map<string, number>();
  const seen = new Set<string>();
  return {
    expect(action, id) {
      const key = `${action} ${id}`;
      expected.set(key, (expected.get(key) ?? 0) + 1);
    },
    found({ id, action, outcome, jti, target, subject, kid }) {
      if (outcome !== "allowed" || seen.has(id)) return;
      seen.add(id);
      for (const about of new Set([jti, target, subject, kid])) {
        const key = `${action} ${about}`;
        const count = expected.get(key) ?? 0;
        if (count > 1) expected.set(key, count - 1);
        else expected.delete(key);
      }
    },
    missing: () => [...expected.keys()],
    forget: () => expected.clear(),
  };
}
