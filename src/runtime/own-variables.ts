/**
 * Owns the names of the variables that drivers add to an instance's environment. None may be the variable of a flag of `sluice` (which an
 * instance may call): `--instance` has SLUICE_INSTANCE.
 */

/** Id of the instance. */
export const ID_VARIABLE = 'SLUICE_INSTANCE_ID';
/** Word of this very start: unlike ids it is nobody else's on the machine, whatever agents and sandboxes there are. */
export const RUN_VARIABLE = 'SLUICE_INSTANCE_RUN';
/** What the commands of driver `exec` are told besides. */
export const EXEC_VARIABLES = {
  action: 'SLUICE_ACTION',
  service: 'SLUICE_SERVICE',
  ip: 'SLUICE_IP',
  port: 'SLUICE_PORT',
} as const;
