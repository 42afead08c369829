/** Owns telling from a data plane's dump, in the words of every layout, whether rules lead to instances. Pure. */

/** The guard and the permanent chains ask for connections with DNAT, too: only what translates counts. */
const TRANSLATES = / -j DNAT --to-destination |\bdnat (?:ip6? )?to /;

/** True if a connection to some entry would be forwarded by these rules. */
export const forwards = (dump: string): boolean => TRANSLATES.test(dump);
