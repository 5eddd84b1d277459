export const ROLES = ['all', 'api', 'worker'] as const;
/** What this process does: `api` answers people and vendors, `worker` applies and polls, `all` does both. */
export type Role = (typeof ROLES)[number];

export const ROLE = Symbol('Role');
