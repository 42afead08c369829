/** Owns the name of the device that entries are routed to: behind it there is nothing. Pure. */

/** Interface name; nothing of anybody else has it. */
export const ENTRY_DEVICE = 'sluice0';
