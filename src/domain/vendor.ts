/** The clouds whose jobs are tracked. */
export const VENDORS = ['alibaba-ims', 'huawei-mpc'] as const;
export type Vendor = (typeof VENDORS)[number];
