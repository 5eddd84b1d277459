const TIMES = ['create_time', 'start_time', 'end_time'];
const NUMBERS = ['progress'];
const IGNORABLE_ERROR = { error_code: 'MPC.10218', description: 'The task has completed.' };

/**
 * The same job as loosely typed as the examples on the vendor's pages are (sheet section 3): ids and times as numbers,
 * numbers as text, and an error code beside success. `chosen` decides by field, so that a job is dirty in the same places
 * each time.
 */
export function loosened(
  document: Record<string, unknown>,
  chosen: (field: string) => boolean,
): Record<string, unknown> {
  const fields = Object.entries(document).map(([name, value]) => [name, chosen(name) ? loose(name, value) : value]);
  return {
    ...(Object.fromEntries(fields) as Record<string, unknown>),
    ...(document['status'] === 'SUCCEEDED' && chosen('error_code') && IGNORABLE_ERROR),
  };
}

function loose(name: string, value: unknown): unknown {
  if (name === 'job_id' || TIMES.includes(name)) {
    const number = Number(value);
    // An id that a reader would round is left alone: it would be another job's.
    return Number.isSafeInteger(number) ? number : value;
  }
  if (NUMBERS.includes(name)) return String(value);
  if (name === 'editing_output') return withTextTimes(value as Record<string, unknown>);
  return value;
}

function withTextTimes(file: Record<string, unknown>): Record<string, unknown> {
  return { ...file, duration: String(file['duration']), duration_ms: String(file['duration_ms']) };
}
