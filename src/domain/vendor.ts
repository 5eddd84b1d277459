/** The clouds whose jobs are tracked. */
export const VENDORS = ['alibaba-ims'] as const;
export type Vendor = (typeof VENDORS)[number];
