/** The tasks of every minute. A failed task does not stop the others. */
const taskNames = [
  "reload_keys",
  "rotate_keys",
  "write_refusals",
  "write_client_uses",
  "prune_counts",
  "prune_requests",
  "prune_sign_ins",
  "prune_clients",
  "prune_audit",
  "prune_sessions",
  "prune_revocations",
] as const;
export type TaskName = (typeof taskNames)[number];

/** Failures of a task since the start, and the error of its last run if that failed. */
export type TaskState = { failures: number; error?: unknown };

export type Tasks = {
  /** Runs a task. Reports and counts a failure, and does not throw it. */
  run(name: TaskName, work: () => Promise<unknown>): Promise<void>;
  states: Readonly<Record<TaskName, Readonly<TaskState>>>;
  failing(): TaskName[];
};

export function createTasks(onError: (work: string, error: unknown) => void): Tasks {
  const entries = taskNames.map((name): [TaskName, TaskState] => [name, { failures: 0 }]);
  const states = Object.fromEntries(entries) as Record<TaskName, TaskState>;
  return {
    states,
    failing: () => taskNames.filter((name) => states[name].error !== undefined),
    async run(name, work) {
      try {
        await work();
        states[name].error = undefined;
      } catch (error) {
        states[name].error = error ?? new Error("A task failed");
        states[name].failures += 1;
        onError(name, error);
      }
    },
  };
}
