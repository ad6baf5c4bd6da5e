/** What a person or a credential may be: who may make which change is a table (`operator/roles.ts`). */
export const ROLES = Object.freeze(['viewer', 'executor', 'operator', 'approver', 'restorer', 'admin'] as const);

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number];

const SET: ReadonlySet<unknown> = new Set(ROLES);

/** True for one of {@link ROLES}. */
export const isRole = (value: unknown): value is Role => SET.has(value);
