/** Owns the fields of the protocol that are only handed on, in the order in which they are written. Pure. */

/** Texts that Sluice keeps for the clients and gives no meaning. */
export const HANDED_ON = [
  'countryId',
  'appGroupName',
  'asgName',
  'sid',
  'homePageUrl',
  'statusPageUrl',
  'healthCheckUrl',
  'secureHealthCheckUrl',
] as const;
