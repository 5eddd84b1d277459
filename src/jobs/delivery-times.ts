type Times = { createdAt: Date; nextAttemptAt: Date | null; attemptedAt: Date | null; settledAt: Date | null };

/** When a message was stored, is tried next, was tried last and was settled, as the API shows it. */
export function deliveryTimes({ createdAt, nextAttemptAt, attemptedAt, settledAt }: Times) {
  return {
    createdAt: createdAt.toISOString(),
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
    attemptedAt: attemptedAt?.toISOString() ?? null,
    settledAt: settledAt?.toISOString() ?? null,
  };
}
